"""Create the tables for checkpoints and for the moves of aliases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _strings(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String, nullable=nullable) for name in names]


def _checkpoint(name: str, *, nullable: bool) -> sa.Column[str]:
    return sa.Column(name, sa.String, sa.ForeignKey("checkpoints.checkpoint_id"), nullable=nullable)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "checkpoints",
        sa.Column("checkpoint_id", sa.String, primary_key=True),
        *_strings("arm", "student", "base_model", "base_sha256"),
        sa.Column("corpus_version", sa.BigInteger, nullable=False),
        *_strings("recipe", "recipe_hash", "objective", "code_commit", "environment"),
        *_strings("adapter_key", "merged_key", nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_strings("sha256", "registration"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("files", "scores", "curve")),
    )
    op.create_table(
        "alias_moves",
        sa.Column("move_id", sa.String, primary_key=True),
        *_strings("student", "alias"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        _checkpoint("from_id", nullable=True),
        _checkpoint("to_id", nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("back_to", sa.Integer),
        sa.UniqueConstraint("student", "alias", "number"),
    )
