"""The web app's tables and columns that we need.

On an empty database the tables are created. On an existing one only missing columns and indexes are added:
nothing is dropped or changed, and a complete table is not even locked. Every step may be repeated after an
interrupted migration.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from alembic import op
from db.online_ddl import add_index

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    present = set(sa.inspect(op.get_bind()).get_table_names(schema="public"))
    for table, needed in _NEEDED.items():
        if table in present:
            _add_missing(table, needed())
        else:
            op.create_table(table, *_own_of_a_new_table(table), *needed(), schema="public")
    for name, (table, columns, predicate) in _INDEXES.items():
        add_index(name, table, columns, schema="public", where=predicate)


def downgrade() -> None:
    """Nothing: the tables and rows belong to the web app, and the added columns do not affect it."""


def _add_missing(table: str, needed: list[sa.Column[object]]) -> None:
    """Add the missing columns. Constant defaults make this instant: no row is rewritten."""
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table, schema="public")}
    for column in needed:
        if column.name not in present:
            op.add_column(table, column, schema="public", if_not_exists=True)


def _exam_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("track", sa.Text),
        sa.Column("status", sa.Text, server_default=sa.text("'in_progress'")),
        sa.Column("questions", JSONB, server_default=sa.text("'[]'")),
        sa.Column("total_questions", sa.Integer, server_default=sa.text("96")),
        sa.Column("updated_at", TIMESTAMP(timezone=True), server_default=sa.func.now()),
        *_generation_columns(),
    ]


def _practice_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("section", sa.Text),
        sa.Column("categories", ARRAY(sa.Text)),
        sa.Column("difficulty", sa.Text),
        sa.Column("question_count", sa.Integer),
        sa.Column("target_question_count", sa.Integer),
        sa.Column("status", sa.Text, server_default=sa.text("'in_progress'")),
        sa.Column("questions", JSONB, server_default=sa.text("'[]'")),
        *_generation_columns(),
    ]


def _generation_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("generated_batches", sa.Integer, server_default=sa.text("0")),
        sa.Column("generation_context", JSONB, server_default=sa.text("'{}'")),
        sa.Column("generation_in_progress", sa.Boolean, server_default=sa.text("false")),
    ]


def _own_of_a_new_table(table: str) -> list[sa.Column[object] | sa.Constraint]:
    """The web app's other columns, which we neither read nor write."""
    own: list[sa.Column[object] | sa.Constraint] = [
        sa.Column("id", UUID(as_uuid=True), nullable=False, server_default=sa.func.gen_random_uuid()),
        sa.Column("user_id", UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", TIMESTAMP(timezone=True), server_default=sa.func.now()),
        sa.Column("paused_at", TIMESTAMP(timezone=True)),
        sa.Column("time_spent_seconds", sa.Integer, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("id", name=f"{table}_pkey"),
    ]
    return own + (_own_of_exams() if table == "exam_sessions" else _own_of_practice())


def _own_of_exams() -> list[sa.Column[object] | sa.Constraint]:
    return [
        sa.Column("questions_answered", sa.Integer, server_default=sa.text("0")),
        sa.Column("start_time", TIMESTAMP(timezone=True), server_default=sa.func.now()),
        sa.Column("end_time", TIMESTAMP(timezone=True)),
        sa.Column("time_paused_seconds", sa.Integer, server_default=sa.text("0")),
        sa.Column("remaining_time_seconds", sa.Integer),
        sa.Column("quantitative_score", sa.Integer),
        sa.Column("verbal_score", sa.Integer),
        sa.Column("overall_score", sa.Integer),
        sa.Column("strengths", JSONB),
        sa.Column("weaknesses", JSONB),
    ]


def _own_of_practice() -> list[sa.Column[object] | sa.Constraint]:
    return [
        sa.Column("started_at", TIMESTAMP(timezone=True), server_default=sa.func.now()),
        sa.Column("completed_at", TIMESTAMP(timezone=True)),
    ]


_NEEDED = {"exam_sessions": _exam_columns, "practice_sessions": _practice_columns}

_INDEXES = {
    "idx_exam_sessions_pending": (
        "exam_sessions",
        ["user_id", "status"],
        "generated_batches < 10 AND status = 'in_progress'",
    ),
    "idx_exam_sessions_generating": ("exam_sessions", ["id"], "generation_in_progress"),
}
