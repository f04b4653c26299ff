"""What is known against a question: the answer check's reasons, a person's review, students' reports, checks due."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from alembic import op
from db.online_ddl import add_index, drop_index

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SCHEMA = "generation"

_IN_DOUBT = "review IS NULL AND (solver_verdict = 'disputed' OR doubtful_words IS NOT NULL)"


def upgrade() -> None:
    """Every new column is NULL or has a constant default: no row is rewritten, and older code need not set it."""
    for column in _question_columns():
        op.add_column("questions", column, schema=SCHEMA)
    op.add_column("batches", _moment("check_due"), schema=SCHEMA)
    tries = sa.Column("check_tries", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("batches", tries, schema=SCHEMA)
    repeats = sa.Column("repeats", sa.Integer, nullable=False, server_default=sa.text("0"))
    op.add_column("attempts", repeats, schema=SCHEMA)
    _create_reports()
    _create_reviews()
    add_index("ix_questions_fingerprint", "questions", ["fingerprint"], schema=SCHEMA)
    add_index("ix_questions_doubtful", "questions", ["created_at"], schema=SCHEMA, where=_IN_DOUBT)
    add_index("ix_batches_check_due", "batches", ["check_due"], schema=SCHEMA, where="check_due IS NOT NULL")


def downgrade() -> None:
    drop_index("ix_batches_check_due", "batches", schema=SCHEMA)
    drop_index("ix_questions_doubtful", "questions", schema=SCHEMA)
    drop_index("ix_questions_fingerprint", "questions", schema=SCHEMA)
    op.drop_table("reviews", schema=SCHEMA)
    op.drop_table("reports", schema=SCHEMA)
    op.drop_column("attempts", "repeats", schema=SCHEMA)
    op.drop_column("batches", "check_tries", schema=SCHEMA)
    op.drop_column("batches", "check_due", schema=SCHEMA)
    for column in reversed(_question_columns()):
        op.drop_column("questions", column.name, schema=SCHEMA)


def _question_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("prompt_version", sa.Text),
        sa.Column("solver_reasons", ARRAY(sa.Text)),
        sa.Column("doubtful_words", sa.Text),
        sa.Column("solver_model", sa.Text),
        _moment("checked_at"),
        sa.Column("review", sa.Text),
        _moment("reviewed_at"),
        sa.Column("was_read", sa.Boolean),
        sa.Column("previous", JSONB),
        _moment("flagged_at"),
    )


def _create_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("session_id", UUID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        _moment("settled_at"),
        _moment("copied_at"),
        sa.PrimaryKeyConstraint("session_id", "position", "fingerprint", "user_id", name="pk_reports"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            [f"{SCHEMA}.plans.session_id"],
            name="fk_reports_session_id_plans",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_reports_created_at", "reports", ["created_at"], schema=SCHEMA)


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", UUID, nullable=False),
        sa.Column("session_id", UUID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("prompt_version", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("decided_at", TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            [f"{SCHEMA}.plans.session_id"],
            name="fk_reviews_session_id_plans",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_reviews_session_id", "reviews", ["session_id"], schema=SCHEMA)
    op.create_index("ix_reviews_decided_at", "reviews", ["decided_at"], schema=SCHEMA)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True))
