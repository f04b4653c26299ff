"""An index for deleting old events."""

from __future__ import annotations

from db.online_ddl import add_index, drop_index

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    add_index("ix_events_created_at", "events", ["created_at"], schema=SCHEMA, using="brin")


def downgrade() -> None:
    drop_index("ix_events_created_at", "events", schema=SCHEMA)
