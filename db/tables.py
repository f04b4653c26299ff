"""The tables: our own schema `generation`, and the columns of the web app's two tables that we use.

The web app defines its own tables: other columns, exact types and constraints are not described here, and
alembic/env.py does not compare them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from generation.model import BatchStatus, EventKind, SessionKind, Track, Urgency
from generation.model_call import UsageSource

SCHEMA = "generation"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class SlotState(StrEnum):
    OPEN = "open"
    FILLED = "filled"


def _moment(name: str, *, now: bool = False) -> Column[object]:
    if now:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True))


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def _of_a_plan() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["session_id"], [f"{SCHEMA}.plans.session_id"], ondelete="CASCADE")


#: One row a session. Its lock orders the session's events; last_seq counts them.
plans = Table(
    "plans",
    metadata,
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("track", Text, nullable=False),
    Column("plan_version", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("batches", JSONB, nullable=False),
    Column("practice", JSONB(none_as_null=True)),
    Column("total_questions", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("student_position", Integer),
    # The student's pace: the furthest position, when it was reached, seconds for the latest questions.
    Column("furthest_position", Integer),
    _moment("moved_at"),
    Column("recent_paces", ARRAY(REAL), nullable=False, server_default=text("'{}'")),
    # How far the student can have read: only plausible reports move it, and only they start a prefetch.
    Column("read_position", Integer),
    _moment("read_at"),
    _moment("created_at", now=True),
    _moment("updated_at", now=True),
    _moment("closed_at"),
    # Until then the cost of its unwritten questions counts against the user's daily limit; NULL: never reserved.
    _moment("reserved_until"),
    PrimaryKeyConstraint("session_id"),
    _one_of("kind", SessionKind),
    _one_of("track", Track),
    Index(None, "user_id", "kind", "created_at"),
    Index(None, "created_at"),
    # For the sweep, which searches for sessions that the web app ended.
    Index("ix_plans_open", "created_at", postgresql_where=text("closed_at IS NULL")),
    schema=SCHEMA,
)

slots = Table(
    "slots",
    metadata,
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("position", Integer, nullable=False),
    Column("batch_index", Integer, nullable=False),
    Column("spec", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("planned", JSONB),  # the spec at first, of a slot that deviates from it
    _count("disputes"),  # how often its question was replaced because the solver disputed the key
    PrimaryKeyConstraint("session_id", "position"),
    _of_a_plan(),
    _one_of("state", SlotState),
    schema=SCHEMA,
)

questions = Table(
    "questions",
    metadata,
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("position", Integer, nullable=False),
    Column("batch_index", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("provider", Text, nullable=False),
    Column("attempt_id", UUID(as_uuid=True), nullable=False),
    Column("prompt_version", Text),  # NULL: written before versions were stored
    Column("solver_verdict", Text),  # NULL: not checked, or the solver was not sure
    Column("solver_reasons", ARRAY(Text)),
    Column("doubtful_words", Text),
    Column("solver_model", Text),
    _moment("checked_at"),
    # A person's decision about it, when it was made, and the content before it if that changed.
    Column("review", Text),
    _moment("reviewed_at"),
    Column("was_read", Boolean),  # whether the student had come to it by then
    Column("previous", JSONB(none_as_null=True)),
    _moment("flagged_at"),  # when it was copied to the web app's review_queue
    _moment("created_at", now=True),
    PrimaryKeyConstraint("session_id", "position"),
    UniqueConstraint("session_id", "fingerprint"),
    ForeignKeyConstraint(
        ["session_id", "position"],
        [f"{SCHEMA}.slots.session_id", f"{SCHEMA}.slots.position"],
        ondelete="CASCADE",
    ),
    # For retiring a question wherever it is stored.
    Index(None, "fingerprint"),
    # For the review queue: few questions are in doubt.
    Index(
        "ix_questions_doubtful",
        "created_at",
        postgresql_where=text(
            "review IS NULL AND (solver_verdict = 'disputed' OR doubtful_words IS NOT NULL)"
        ),
    ),
    schema=SCHEMA,
)

#: What students say about questions. A report is about one text: a replaced question may be reported again.
reports = Table(
    "reports",
    metadata,
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("position", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("text", Text),
    _moment("created_at", now=True),
    _moment("settled_at"),  # when a person decided about the question
    _moment("copied_at"),  # to the web app's question_errors, or refused there: its user is gone
    PrimaryKeyConstraint("session_id", "position", "fingerprint", "user_id"),
    _of_a_plan(),
    Index(None, "created_at"),
    schema=SCHEMA,
)

#: What persons decided about questions, also about those that another has replaced since.
reviews = Table(
    "reviews",
    metadata,
    Column("id", UUID(as_uuid=True), nullable=False),
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("position", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("prompt_version", Text),
    Column("model", Text),
    _moment("decided_at", now=True),
    PrimaryKeyConstraint("id"),
    _of_a_plan(),
    Index(None, "session_id"),
    Index(None, "decided_at"),
    schema=SCHEMA,
)

#: The constraint that a second question with the same fingerprint violates.
REPEATED_QUESTION = "uq_questions_session_id_fingerprint"

#: A row exists from the first request for the batch; a planned batch without a row was not requested yet.
batches = Table(
    "batches",
    metadata,
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("batch_index", Integer, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'queued'")),
    Column("urgency", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("owner", Text),
    _moment("lease_until"),
    _moment("not_before", now=True),
    _moment("enqueued_at"),  # when it was last enqueued; NULL: it must be enqueued
    _moment("requested_at", now=True),
    _moment("started_at"),
    _moment("first_question_at"),
    _moment("ready_at"),
    _count("runs"),
    _count("failures"),
    _count("rests"),
    _moment("budget_from"),  # calls since then count towards the budget; NULL: all of them
    # When an answer check of the published batch is due; NULL: none. And how often one was tried.
    _moment("check_due"),
    _count("check_tries"),
    Column("last_error", Text),
    Column("traceparent", Text),  # of the latest request, so that the run continues its trace
    PrimaryKeyConstraint("session_id", "batch_index"),
    _of_a_plan(),
    _one_of("status", BatchStatus),
    _one_of("urgency", Urgency),
    # For the sweep. No column that a heartbeat changes is in it, so that renewing a lease stays a HOT update.
    Index(
        "ix_batches_unfinished",
        "session_id",
        "batch_index",
        postgresql_where=text("status IN ('queued', 'running')"),
    ),
    # For the sweep, which finds the published batches that are to be checked.
    Index("ix_batches_check_due", "check_due", postgresql_where=text("check_due IS NOT NULL")),
    # For the durations of the latest generations.
    Index("ix_batches_ready_at", "ready_at", postgresql_where=text("status = 'ready'")),
    # For an operator, who lists the sessions with a failed batch.
    Index("ix_batches_failed", "session_id", postgresql_where=text("status = 'failed'")),
    schema=SCHEMA,
)

#: The ledger. No foreign key: its rows outlive a deleted session.
attempts = Table(
    "attempts",
    metadata,
    Column("id", UUID(as_uuid=True), nullable=False),
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("batch_index", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("purpose", Text, nullable=False, server_default=text("'write'")),
    Column("asked", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    _count("accepted"),
    _count("rejected"),
    _count("repeats"),
    _count("input_tokens"),
    _count("output_tokens"),
    _count("cache_read_tokens"),
    _count("cache_write_5m_tokens"),
    _count("cache_write_1h_tokens"),
    Column("usage_source", Text, nullable=False, server_default=text("'unknown'")),
    Column("cost_microdollars", Numeric(20, 4), nullable=False, server_default=text("0")),
    Column("first_token_ms", Integer),
    Column("duration_ms", Integer),
    Column("stop_reason", Text),
    Column("request_id", Text),
    Column("message_id", Text),
    Column("cache_miss_reason", Text),
    _moment("opened_at", now=True),
    _moment("closed_at"),
    PrimaryKeyConstraint("id"),
    _one_of("usage_source", UsageSource),
    Index(None, "session_id", "batch_index"),
    Index(None, "opened_at", postgresql_include=["cost_microdollars"]),
    Index("ix_attempts_open", "opened_at", postgresql_where=text("outcome = 'open'")),
    schema=SCHEMA,
)

#: Corrections of the ledger by day, from the providers' statements: for calls of unknown cost.
corrections = Table(
    "corrections",
    metadata,
    Column("day", Date, nullable=False),  # in UTC
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("cost_microdollars", Numeric(20, 4), nullable=False),
    _moment("booked_at", now=True),
    PrimaryKeyConstraint("day", "provider", "model"),
    schema=SCHEMA,
)

events = Table(
    "events",
    metadata,
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    _moment("created_at", now=True),
    PrimaryKeyConstraint("session_id", "seq"),
    _of_a_plan(),
    _one_of("kind", EventKind),
    # For deleting old events: rows lie in the order of their age, so a block range index of a few pages is enough.
    Index("ix_events_created_at", "created_at", postgresql_using="brin"),
    schema=SCHEMA,
)

#: No foreign key: a key outlives its session, so that a late replay creates no second session.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("key", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("session_id", UUID(as_uuid=True), nullable=False),
    _moment("created_at", now=True),
    PrimaryKeyConstraint("user_id", "key"),
    Index(None, "created_at"),
    schema=SCHEMA,
)


def _generation_columns() -> tuple[Column[object], ...]:
    """The columns that the quickstart's migration adds to both of the web app's tables."""
    return (
        Column("generated_batches", Integer, server_default=text("0")),
        Column("generation_context", JSONB, server_default=text("'{}'")),
        Column("generation_in_progress", Boolean, server_default=text("false")),
    )


exam_sessions = Table(
    "exam_sessions",
    metadata,
    Column("id", UUID(as_uuid=True), nullable=False),
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("track", Text),
    Column("status", Text, server_default=text("'in_progress'")),
    Column("questions", JSONB, server_default=text("'[]'")),
    Column("total_questions", Integer, server_default=text("96")),
    Column("exam_config", JSONB(none_as_null=True)),  # the web app's; we write it for a retake only
    _moment("updated_at"),
    *_generation_columns(),
    PrimaryKeyConstraint("id"),
    Index(
        "idx_exam_sessions_pending",
        "user_id",
        "status",
        postgresql_where=text("generated_batches < 10 AND status = 'in_progress'"),
    ),
    Index("idx_exam_sessions_generating", "id", postgresql_where=text("generation_in_progress")),
    schema="public",
)

practice_sessions = Table(
    "practice_sessions",
    metadata,
    Column("id", UUID(as_uuid=True), nullable=False),
    Column("user_id", UUID(as_uuid=True), nullable=False),
    Column("section", Text),
    Column("categories", ARRAY(Text)),
    Column("difficulty", Text),
    Column("question_count", Integer),  # generated; target_question_count: planned
    Column("target_question_count", Integer),
    Column("status", Text, server_default=text("'in_progress'")),
    Column("questions", JSONB, server_default=text("'[]'")),
    *_generation_columns(),
    PrimaryKeyConstraint("id"),
    schema="public",
)

WEB_APP_TABLES = {SessionKind.EXAM: exam_sessions, SessionKind.PRACTICE: practice_sessions}
