"""A session reserves its cost within its user's daily limit, and knows how far its student can have read."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    """NULL in every existing row: a session without a reservation makes one with its next batch."""
    op.add_column("plans", sa.Column("read_position", sa.Integer), schema=SCHEMA)
    op.add_column("plans", sa.Column("read_at", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.add_column("plans", sa.Column("reserved_until", sa.DateTime(timezone=True)), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("plans", "reserved_until", schema=SCHEMA)
    op.drop_column("plans", "read_at", schema=SCHEMA)
    op.drop_column("plans", "read_position", schema=SCHEMA)
