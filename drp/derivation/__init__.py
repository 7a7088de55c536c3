"""Checks of a derivation: can a reader follow a revision without the sentences that were dropped?

    derivation_faults(question, original, revision, summary)  ->  the faults, in the order of the revision

Pure functions of texts; no model, no gold answer. The gates use them to reject a revision, teachers to repair
one.
"""

from drp.derivation.check import derivation_faults, is_hollow
from drp.derivation.faults import DerivationFault, DerivationFaultKind

__all__ = ["DerivationFault", "DerivationFaultKind", "derivation_faults", "is_hollow"]
