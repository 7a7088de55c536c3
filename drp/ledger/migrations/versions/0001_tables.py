"""Requests, attempts, batches, workers, budgets."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _strings(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String, nullable=nullable) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text) for name in names]


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=nullable) for name in names]


def _times(*names: str, nullable: bool = False) -> list[sa.Column[datetime]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=nullable) for name in names]


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=True)


def _index(name: str, table: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
    only = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    """Create all tables in an empty database."""
    op.create_table(
        "requests",
        _key("request_id"),
        *_strings("stage", "base_url", "model", "prompt_version", "state"),
        _integer("attempts"),
        *_texts("provider_id", "finish_reason"),
        *_numbers("prompt_tokens", "cached_tokens", "completion_tokens", "cost_nusd", nullable=True),
        sa.Column("latency_s", sa.Float),
        *_texts("problem"),
        *_strings("exported_in", nullable=True),
        *_times("created_at", "updated_at"),
        *_texts("refusal", "text"),
    )
    op.create_table(
        "batches",
        _key("batch_id"),
        *_strings("run_id", "base_url", "model"),
        *_texts("provider_batch_id", "input_file_id", "output_file_id", "error_file_id"),
        *_strings("state"),
        *_texts("provider_state"),
        _integer("requests"),
        *_numbers("estimated_tokens", "estimated_nusd"),
        *_times("created_at"),
        *_times("submitted_at", "ended_at", "landed_at", nullable=True),
    )
    op.create_table(
        "attempts",
        _key("id"),
        sa.Column("request_id", sa.String, sa.ForeignKey("requests.request_id"), nullable=False),
        _integer("number"),
        *_strings("worker_id", "run_id"),
        sa.Column("batch_id", sa.String, sa.ForeignKey("batches.batch_id")),
        *_strings("backend", "state"),
        *_numbers("estimated_nusd"),
        *_numbers("cost_nusd", "prompt_tokens", "cached_tokens", "completion_tokens", nullable=True),
        *_texts("provider_id", "error"),
        *_times("started_at"),
        *_times("ended_at", nullable=True),
        sa.UniqueConstraint("request_id", "number"),
    )
    op.create_table(
        "workers",
        _key("worker_id"),
        *_strings("host"),
        _integer("pid"),
        *_numbers("process_started"),
        *_times("heartbeat_at"),
    )
    op.create_table("budgets", _key("run_id"), *_numbers("cap_nusd", nullable=True))
    _index("attempts_in_flight", "attempts", "request_id", where="state = 'in_flight'", unique=True)
    _index("attempts_by_run", "attempts", "run_id", "cost_nusd", "estimated_nusd")
    _index("attempts_by_batch", "attempts", "batch_id")
    _index("requests_by_state", "requests", "state")
    _index("requests_unexported", "requests", "request_id", where="exported_in IS NULL")
