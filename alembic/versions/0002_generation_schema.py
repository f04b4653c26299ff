"""Our own schema: plans, slots, questions, batches, attempts, corrections, events and idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "generation"


def upgrade() -> None:
    _create_plans()
    _create_slots()
    _create_questions()
    _create_batches()
    _create_attempts()
    _create_corrections()
    _create_events()
    _create_idempotency_keys()


def downgrade() -> None:
    """The schema itself stays, because it contains Alembic's version table."""
    children = ("idempotency_keys", "events", "corrections", "attempts", "batches", "questions", "slots")
    for table in (*children, "plans"):
        op.drop_table(table, schema=SCHEMA)


def _create_plans() -> None:
    op.create_table(
        "plans",
        _id("session_id"),
        _text("kind"),
        _id("user_id"),
        _text("track"),
        _text("plan_version"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("batches", JSONB, nullable=False),
        sa.Column("practice", JSONB),
        sa.Column("total_questions", sa.Integer, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("student_position", sa.Integer),
        sa.Column("furthest_position", sa.Integer),
        _moment("moved_at"),
        sa.Column("recent_paces", ARRAY(sa.REAL), nullable=False, server_default=sa.text("'{}'")),
        _now("created_at"),
        _now("updated_at"),
        _moment("closed_at"),
        sa.PrimaryKeyConstraint("session_id", name="pk_plans"),
        _one_of("plans", "kind", "exam", "practice"),
        _one_of("plans", "track", "scientific", "literary"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_plans_user_id_kind_created_at", "plans", ["user_id", "kind", "created_at"], schema=SCHEMA
    )


def _create_slots() -> None:
    op.create_table(
        "slots",
        _id("session_id"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("batch_index", sa.Integer, nullable=False),
        sa.Column("spec", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'open'")),
        sa.PrimaryKeyConstraint("session_id", "position", name="pk_slots"),
        _of_a_plan("slots"),
        _one_of("slots", "state", "open", "filled"),
        schema=SCHEMA,
    )


def _create_questions() -> None:
    op.create_table(
        "questions",
        _id("session_id"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("batch_index", sa.Integer, nullable=False),
        _text("fingerprint"),
        sa.Column("content", JSONB, nullable=False),
        _text("provider"),
        _id("attempt_id"),
        _now("created_at"),
        sa.PrimaryKeyConstraint("session_id", "position", name="pk_questions"),
        sa.UniqueConstraint("session_id", "fingerprint", name="uq_questions_session_id_fingerprint"),
        sa.ForeignKeyConstraint(
            ["session_id", "position"],
            [f"{SCHEMA}.slots.session_id", f"{SCHEMA}.slots.position"],
            name="fk_questions_session_id_position",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
    )


def _create_batches() -> None:
    op.create_table(
        "batches",
        _id("session_id"),
        sa.Column("batch_index", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default=sa.text("'queued'")),
        _text("urgency"),
        sa.Column("epoch", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("owner", sa.Text),
        _moment("lease_until"),
        _now("not_before"),
        _moment("enqueued_at"),
        _now("requested_at"),
        _moment("started_at"),
        _moment("first_question_at"),
        _moment("ready_at"),
        _count("runs"),
        _count("failures"),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("session_id", "batch_index", name="pk_batches"),
        _of_a_plan("batches"),
        _one_of("batches", "status", "queued", "running", "ready", "failed"),
        _one_of("batches", "urgency", "interactive", "prefetch"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_batches_unfinished",
        "batches",
        ["session_id", "batch_index"],
        schema=SCHEMA,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index(
        "ix_batches_ready_at",
        "batches",
        ["ready_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'ready'"),
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        _id("id"),
        _id("session_id"),
        sa.Column("batch_index", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        _text("provider"),
        _text("model"),
        sa.Column("asked", sa.Integer, nullable=False),
        _text("outcome"),
        _count("accepted"),
        _count("rejected"),
        _count("input_tokens"),
        _count("output_tokens"),
        _count("cache_read_tokens"),
        _count("cache_write_5m_tokens"),
        _count("cache_write_1h_tokens"),
        sa.Column("usage_source", sa.Text, nullable=False, server_default=sa.text("'unknown'")),
        sa.Column("cost_microdollars", sa.Numeric(20, 4), nullable=False, server_default=sa.text("0")),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("stop_reason", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("message_id", sa.Text),
        sa.Column("cache_miss_reason", sa.Text),
        _now("opened_at"),
        _moment("closed_at"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        _one_of("attempts", "usage_source", "reported", "free", "counted", "estimated", "unknown"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_attempts_session_id_batch_index", "attempts", ["session_id", "batch_index"], schema=SCHEMA
    )
    # The index alone is enough to sum the spending of a day.
    op.create_index(
        "ix_attempts_opened_at",
        "attempts",
        ["opened_at"],
        schema=SCHEMA,
        postgresql_include=["cost_microdollars"],
    )
    op.create_index(
        "ix_attempts_open",
        "attempts",
        ["opened_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("outcome = 'open'"),
    )


def _create_corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("day", sa.Date, nullable=False),
        _text("provider"),
        _text("model"),
        sa.Column("cost_microdollars", sa.Numeric(20, 4), nullable=False),
        _now("booked_at"),
        sa.PrimaryKeyConstraint("day", "provider", "model", name="pk_corrections"),
        schema=SCHEMA,
    )


def _create_events() -> None:
    op.create_table(
        "events",
        _id("session_id"),
        sa.Column("seq", sa.BigInteger, nullable=False),
        _text("kind"),
        sa.Column("payload", JSONB, nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("session_id", "seq", name="pk_events"),
        _of_a_plan("events"),
        _one_of("events", "kind", "question", "batch-ready", "batch-failed", "session"),
        schema=SCHEMA,
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        _id("user_id"),
        _text("key"),
        _text("request_digest"),
        _id("session_id"),
        _now("created_at"),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
        schema=SCHEMA,
    )


def _id(name: str) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True))


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now())


def _of_a_plan(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["session_id"], [f"{SCHEMA}.plans.session_id"], name=f"fk_{table}_session_id", ondelete="CASCADE"
    )


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=f"ck_{table}_{column}")
