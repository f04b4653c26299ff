"""An index that finds sessions without a recorded end by their age."""

from __future__ import annotations

from db.online_ddl import add_index, drop_index

revision = "0006"
down_revision = "0002"  # those between were merged into 0002 before the first release
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    add_index("ix_plans_open", "plans", ["created_at"], schema=SCHEMA, where="closed_at IS NULL")


def downgrade() -> None:
    drop_index("ix_plans_open", "plans", schema=SCHEMA)
