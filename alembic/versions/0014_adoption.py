"""The column in which the web app keeps an exam's configuration, where it is missing."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("exam_sessions", "public")}
    if "exam_config" not in present:  # a complete table is not even locked
        op.add_column("exam_sessions", sa.Column("exam_config", JSONB), schema="public", if_not_exists=True)


def downgrade() -> None:
    """Nothing: the column belongs to the web app, and it does not affect it."""
