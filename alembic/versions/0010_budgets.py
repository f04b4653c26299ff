"""A batch's budget is full again after a rest; a slot that deviates keeps what was planned."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    """Existing batches have never rested; older code need not set the columns."""
    op.add_column("batches", sa.Column("budget_from", sa.TIMESTAMP(timezone=True)), schema=SCHEMA)
    rests = sa.Column("rests", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("batches", rests, schema=SCHEMA)
    op.add_column("slots", sa.Column("planned", JSONB), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("slots", "planned", schema=SCHEMA)
    op.drop_column("batches", "rests", schema=SCHEMA)
    op.drop_column("batches", "budget_from", schema=SCHEMA)
