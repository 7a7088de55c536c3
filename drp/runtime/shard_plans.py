"""What the plan of a run holds: the work of one shard of a night, or one checkpoint of a training run."""

from pydantic import BaseModel, ConfigDict


class ShardPlan(BaseModel):
    """The work of one shard of a night; the same work has the same name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    """Hash of what in the recipe can change the work."""
    questions: tuple[str, ...] = ()
    """Ids of the questions that are rolled out."""
    rollouts: tuple[str, ...] = ()
    """Ids of the rollouts, already in the lake, that get a revision."""
    duplicates: tuple[str, ...] = ()
    """Those of `rollouts` that repeat another trace of the same question."""


class PlannedCheckpoint(BaseModel):
    """One checkpoint that a training run makes or measures, or one model that an evaluation measures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str
    """Name of a curation, or `base`, `champion` or `original`; in an evaluation also the model's name."""
    checkpoint_id: str
    base_model: str
    """The student that it was trained from; for a model that was not trained here, its own name or folder."""
    base_sha256: str
    corpus_version: int
    """0 in an evaluation."""
    label: str = ""
    """What an evaluation calls it; empty in a training run."""

    @property
    def is_only_measured(self) -> bool:
        """Whether it is a model of an evaluation, which trains nothing."""
        return bool(self.label)
