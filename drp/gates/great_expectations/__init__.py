"""The contract for a whole run: Great Expectations suites and their Data Docs."""

from drp.gates.great_expectations.validate import ContractResult, NightQuarantinedError, check_night

__all__ = ["ContractResult", "NightQuarantinedError", "check_night"]
