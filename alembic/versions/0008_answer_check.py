"""Verdicts of the solver, how often a slot was written again for one, and what a model call was made for."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    """A constant default is kept in the catalogue: no row is rewritten, and yesterday's code need not name it."""
    op.add_column("questions", sa.Column("solver_verdict", sa.Text), schema=SCHEMA)
    disputes = sa.Column("disputes", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("slots", disputes, schema=SCHEMA)
    purpose = sa.Column("purpose", sa.Text, nullable=False, server_default=sa.text("'write'"))
    op.add_column("attempts", purpose, schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("attempts", "purpose", schema=SCHEMA)
    op.drop_column("slots", "disputes", schema=SCHEMA)
    op.drop_column("questions", "solver_verdict", schema=SCHEMA)
