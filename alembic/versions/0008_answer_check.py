"""The solver's verdicts, the number of replaced disputed questions per slot, and the purpose of a model call."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    """Postgres keeps a constant default in its catalog: no row is rewritten, and older code need not set it."""
    op.add_column("questions", sa.Column("solver_verdict", sa.Text), schema=SCHEMA)
    disputes = sa.Column("disputes", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("slots", disputes, schema=SCHEMA)
    purpose = sa.Column("purpose", sa.Text, nullable=False, server_default=sa.text("'write'"))
    op.add_column("attempts", purpose, schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("attempts", "purpose", schema=SCHEMA)
    op.drop_column("slots", "disputes", schema=SCHEMA)
    op.drop_column("questions", "solver_verdict", schema=SCHEMA)
