"""Sessions that are not known to be over are found by their age."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    op.create_index(
        "ix_plans_open",
        "plans",
        ["created_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_plans_open", "plans", schema=SCHEMA)
