"""A batch carries the trace of the call that wants it."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    """Empty in every row there is, and yesterday's code need not name it."""
    op.add_column("batches", sa.Column("traceparent", sa.Text), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("batches", "traceparent", schema=SCHEMA)
