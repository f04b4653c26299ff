"""A plan knows how fast its student goes; the latest generations are found by when they ended."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, REAL, TIMESTAMP

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    op.add_column("plans", sa.Column("furthest_position", sa.Integer), schema=SCHEMA)
    op.add_column("plans", sa.Column("moved_at", TIMESTAMP(timezone=True)), schema=SCHEMA)
    op.add_column(
        "plans",
        sa.Column("recent_paces", ARRAY(REAL), nullable=False, server_default=sa.text("'{}'")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_batches_ready_at",
        "batches",
        ["ready_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'ready'"),
    )


def downgrade() -> None:
    op.drop_index("ix_batches_ready_at", "batches", schema=SCHEMA)
    for column in ("recent_paces", "moved_at", "furthest_position"):
        op.drop_column("plans", column, schema=SCHEMA)
