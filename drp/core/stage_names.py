"""The names of the stages, in the order of a night and of a training run. They are declared only here."""

from typing import Final

INGEST: Final = "ingest"
PLAN: Final = "plan"
ROLLOUT: Final = "rollout"
DECOMPOSE: Final = "decompose"
PRUNE: Final = "prune"
GATE: Final = "gate"
PUBLISH: Final = "publish"
REPORT: Final = "report"

PREPARE: Final = "prepare"
TRAIN: Final = "train"
EVALUATE: Final = "evaluate"
COMPARE: Final = "compare"
REGISTER: Final = "register"
PROMOTE: Final = "promote"

NIGHT_STAGES = (INGEST, PLAN, ROLLOUT, DECOMPOSE, PRUNE, GATE, PUBLISH, REPORT)
SHARD_STAGES = (ROLLOUT, DECOMPOSE, PRUNE)
"""Stages of a night that work on one shard at a time."""
TRAINING_STAGES = (PREPARE, TRAIN, EVALUATE, COMPARE, REGISTER, PROMOTE, REPORT)
