"""What the stages share: the context of a run, its plan, sampling, and the rows that they write."""

from drp.runtime.context import IMPORTED, RunContext, open_night, open_training, reopen
from drp.runtime.cost_estimate import by_student, estimate
from drp.runtime.doctor import doctor
from drp.runtime.evaluated_models import open_evaluation
from drp.runtime.flagged_checkpoints import (
    Removal,
    check_reason,
    flag_checkpoints,
    plan_remove_and_flag,
    remove_and_flag,
)
from drp.runtime.hashes import revision_hash
from drp.runtime.night_command import night_command
from drp.runtime.night_teacher import open_teacher_for
from drp.runtime.preflight import PreflightFailedError, preflight
from drp.runtime.shard_plans import PlannedCheckpoint, ShardPlan
from drp.runtime.shard_rows import (
    RolloutWithQuestion,
    decomposition_row,
    draft_row,
    read_decomposed,
    revision_row,
    rows_in,
)
from drp.runtime.student_models import fetch_model, fetch_student
from drp.runtime.student_sampling import SamplesMissingError, SamplingTask, sample
from drp.runtime.teacher_prefilter import prefilter_rollouts
from drp.runtime.training_plan import (
    checkpoint_of,
    entries_of,
    entry_of,
    evaluation_of,
    manifest_key,
    model_digest,
    scratch,
    training_job,
)

__all__ = [
    "IMPORTED",
    "PlannedCheckpoint",
    "PreflightFailedError",
    "Removal",
    "RolloutWithQuestion",
    "RunContext",
    "SamplesMissingError",
    "SamplingTask",
    "ShardPlan",
    "by_student",
    "check_reason",
    "checkpoint_of",
    "decomposition_row",
    "doctor",
    "draft_row",
    "entries_of",
    "entry_of",
    "estimate",
    "evaluation_of",
    "fetch_model",
    "fetch_student",
    "flag_checkpoints",
    "manifest_key",
    "model_digest",
    "night_command",
    "open_evaluation",
    "open_night",
    "open_teacher_for",
    "open_training",
    "plan_remove_and_flag",
    "prefilter_rollouts",
    "preflight",
    "read_decomposed",
    "remove_and_flag",
    "reopen",
    "revision_hash",
    "revision_row",
    "rows_in",
    "sample",
    "scratch",
    "training_job",
]
