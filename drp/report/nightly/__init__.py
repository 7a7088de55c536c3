"""The report of a night."""

from drp.report.nightly.page import build_report
from drp.report.nightly.page_data import NightFacts, NightOutcome
from drp.report.nightly.read_numbers import query_parameters
from drp.report.nightly.summary import summary

__all__ = ["NightFacts", "NightOutcome", "build_report", "query_parameters", "summary"]
