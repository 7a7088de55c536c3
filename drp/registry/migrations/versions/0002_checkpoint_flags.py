"""Create the table of flags: why a checkpoint should not be used any more."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "checkpoint_flags",
        sa.Column("checkpoint_id", sa.String, sa.ForeignKey("checkpoints.checkpoint_id"), primary_key=True),
        sa.Column("flag", sa.String, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=False),
    )
