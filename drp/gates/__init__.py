"""The row gates: why a rollout is not sent to the teacher, and why a revision is rejected."""

from drp.gates.leaks import EVALUATION_SPLITS, BadFingerprintsError, LeakIndex
from drp.gates.row_gates import (
    REASONS,
    Rejection,
    RejectReason,
    cover_fault,
    revision_rejections,
    rollout_rejections,
)

__all__ = [
    "EVALUATION_SPLITS",
    "REASONS",
    "BadFingerprintsError",
    "LeakIndex",
    "RejectReason",
    "Rejection",
    "cover_fault",
    "gx",
    "make_fingerprints",
    "revision_rejections",
    "rollout_rejections",
]
