"""Indexes for an operator's lists and for old rows."""

from __future__ import annotations

from db.online_ddl import add_index, drop_index

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    add_index("ix_plans_created_at", "plans", ["created_at"], schema=SCHEMA)
    add_index("ix_batches_failed", "batches", ["session_id"], schema=SCHEMA, where="status = 'failed'")
    add_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], schema=SCHEMA)


def downgrade() -> None:
    drop_index("ix_idempotency_keys_created_at", "idempotency_keys", schema=SCHEMA)
    drop_index("ix_batches_failed", "batches", schema=SCHEMA)
    drop_index("ix_plans_created_at", "plans", schema=SCHEMA)
