"""The ledger says how the tokens of a call are known, and finds the calls that nobody closed."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    op.add_column(
        "attempts",
        sa.Column("usage_source", sa.Text, nullable=False, server_default=sa.text("'unknown'")),
        schema=SCHEMA,
    )
    op.execute("UPDATE generation.attempts SET usage_source = 'reported' WHERE stop_reason IS NOT NULL")
    op.create_check_constraint(
        "ck_attempts_usage_source",
        "attempts",
        "usage_source IN ('reported', 'free', 'counted', 'estimated', 'unknown')",
        schema=SCHEMA,
    )
    op.create_index(
        "ix_attempts_open",
        "attempts",
        ["opened_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("outcome = 'open'"),
    )
    # A day's spending is added up from the index alone.
    op.drop_index("ix_attempts_opened_at", "attempts", schema=SCHEMA)
    op.create_index(
        "ix_attempts_opened_at",
        "attempts",
        ["opened_at"],
        schema=SCHEMA,
        postgresql_include=["cost_microdollars"],
    )


def downgrade() -> None:
    op.drop_index("ix_attempts_opened_at", "attempts", schema=SCHEMA)
    op.create_index("ix_attempts_opened_at", "attempts", ["opened_at"], schema=SCHEMA)
    op.drop_index("ix_attempts_open", "attempts", schema=SCHEMA)
    op.drop_column("attempts", "usage_source", schema=SCHEMA)
