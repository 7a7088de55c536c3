"""The registry's tables. `migrations/` creates them.

Checkpoints are written once. The target of an alias is defined by its last move and stored nowhere else, so
that the two cannot disagree.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    TypeDecorator,
    UniqueConstraint,
)

from drp.database import Instant, StorableText


class Json(TypeDecorator[Any]):
    """A list or an object as JSON. NaN and infinity, as in the loss of a diverged training, become null."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Encode for the database."""
        return json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Decode from the database."""
        return json.loads(value or "null")


class CheckpointColumns(TypedColumns):
    """A checkpoint, as in `drp.registry.records`."""

    checkpoint_id: Named[str] = Column(String, primary_key=True)
    arm: Named[str] = Column(String)
    student: Named[str] = Column(String)
    base_model: Named[str] = Column(String)
    base_sha256: Named[str] = Column(String)
    corpus_version: Named[int] = Column(BigInteger)
    recipe: Named[str] = Column(String)
    recipe_hash: Named[str] = Column(String)
    objective: Named[str] = Column(String)
    code_commit: Named[str] = Column(String)
    environment: Named[str] = Column(String)
    adapter_key: Named[str | None] = Column(String)
    merged_key: Named[str | None] = Column(String)
    created_at: Named[datetime] = Column(Instant)
    sha256: Named[str] = Column(String)
    registration: Named[str] = Column(String)
    """Random id of the call that wrote the row. A call recognises its row by it after a lost connection."""
    files: Named[Any] = Column(Json, nullable=False)
    scores: Named[Any] = Column(Json, nullable=False)
    curve: Named[Any] = Column(Json, nullable=False)


class MoveColumns(TypedColumns):
    """A move of an alias, as in `drp.registry.records`."""

    move_id: Named[str] = Column(String, primary_key=True)
    student: Named[str] = Column(String)
    alias: Named[str] = Column(String)
    number: Named[int] = Column(Integer)
    moved_at: Named[datetime] = Column(Instant)
    from_id: Named[str | None] = Column(String, ForeignKey("checkpoints.checkpoint_id"))
    to_id: Named[str] = Column(String, ForeignKey("checkpoints.checkpoint_id"))
    reason: Named[str] = Column(StorableText)
    back_to: Named[int | None] = Column(Integer)


class FlagColumns(TypedColumns):
    """A flag of a checkpoint, as in `drp.registry.records`."""

    checkpoint_id: Named[str] = Column(String, ForeignKey("checkpoints.checkpoint_id"), primary_key=True)
    flag: Named[str] = Column(String, primary_key=True)
    reason: Named[str] = Column(StorableText)
    flagged_at: Named[datetime] = Column(Instant)


metadata = MetaData()
checkpoints = Table("checkpoints", metadata, CheckpointColumns)
# Of two concurrent moves of an alias, the second finds its number taken and retries.
moves = Table("alias_moves", metadata, MoveColumns, UniqueConstraint("student", "alias", "number"))
flags = Table("checkpoint_flags", metadata, FlagColumns)
