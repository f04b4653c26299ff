"""A batch stores the trace context of the request for it."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    """NULL in every existing row; older code need not set it."""
    op.add_column("batches", sa.Column("traceparent", sa.Text), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("batches", "traceparent", schema=SCHEMA)
