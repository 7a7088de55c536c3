"""The row gates: they decide which rollouts go to the teacher and which revisions are accepted."""

from drp.gates.leaks import EVALUATION_SPLITS, BadFingerprintsError, LeakIndex
from drp.gates.reject_reasons import REASONS, Rejection, RejectReason
from drp.gates.row_gates import cover_fault, revision_rejections, rollout_rejections

__all__ = [
    "EVALUATION_SPLITS",
    "REASONS",
    "BadFingerprintsError",
    "LeakIndex",
    "RejectReason",
    "Rejection",
    "cover_fault",
    "great_expectations",
    "make_fingerprints",
    "revision_rejections",
    "rollout_rejections",
]
