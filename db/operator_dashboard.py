"""What the operators' page shows, from Postgres alone: how fast questions come, what they cost, and what fails.

It reads across all users. Every query is bounded by an index on time, and all of them by a time limit. No result
contains question text, a key or a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from db.operator_queries import OperatorView, SessionLine, begin_look
from db.queue_stats import QueueStats, read_queue_stats
from db.session_timeline import SessionTimeline, read_session_timeline

#: The answer check is counted over at most so many of the latest batches.
MOST_BATCHES = 500
#: The most different reasons that are listed.
MOST_REASONS = 20

#: How long a call may last: a call that reaches into the window began at most so long before it.
_LONGEST_CALL = timedelta(minutes=15)
_DAY_HOURS = 24


@dataclass(frozen=True, slots=True)
class Window:
    """The time that the plots show, in equal buckets. The last bucket holds the present moment."""

    step_s: int
    buckets: int


@dataclass(frozen=True, slots=True)
class Series:
    """One value a bucket; None where nothing was measured."""

    questions: tuple[int, ...]  #: committed in the bucket; a replaced question counts again
    streams: tuple[float, ...]  #: model calls under way, on average over the bucket
    first_question_p50_s: tuple[float | None, ...]  #: of first batches that were completed in the bucket
    first_question_p95_s: tuple[float | None, ...]
    longest_wait_s: tuple[float | None, ...]  #: of a batch for a worker
    cache_read: tuple[int, ...]  #: tokens of calls opened in the bucket
    cache_written: tuple[int, ...]
    cost_microdollars: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    now: datetime
    start: datetime  #: of the first bucket
    window: Window
    series: Series
    queue: QueueStats
    open_calls: int
    first_question_p50_s: float | None  #: over the whole window
    first_question_p95_s: float | None
    spent_by_hour_microdollars: tuple[Decimal, ...]  #: the hours of this day (UTC) up to now
    calls: int  #: opened in the window
    outcomes: dict[str, int]  #: how calls of the window ended that neither are complete nor still run
    failed_batches: dict[str, int]  #: by their last error, whenever they failed
    verdicts: dict[str, int]  #: of the answer check; `unchecked` without one
    doubts: dict[str, int]  #: what the solver found, by reason; a question may have several
    rewritten: int  #: questions that the answer check had written again
    checked_batches: int  #: over how many of the window's batches the four above were counted

    @property
    def elapsed_of_last_s(self) -> float:
        """How much of the last bucket has passed."""
        last = self.start + timedelta(seconds=self.window.step_s * (self.window.buckets - 1))
        return (self.now - last).total_seconds()


class OperatorDashboard:
    """Every method is one short read."""

    def __init__(self, engine: Engine, day_limit_usd: Decimal | None = None) -> None:
        self._engine = engine
        self._view = OperatorView(engine)
        self.day_limit_usd = day_limit_usd  #: nothing new begins beyond it; None: no limit

    def overview(self, window: Window) -> Overview:
        """All values; those of the plots as of one moment."""
        queue = read_queue_stats(self._engine)
        with self._engine.connect() as connection:
            begin_look(connection)
            span = connection.execute(_SPAN, {"step": window.step_s, "buckets": window.buckets}).one()
            which = {"start": span.start, "step": window.step_s}
            first = {row.bucket: row for row in connection.execute(_FIRST_QUESTIONS, which)}
            whole = first[None]  # of all buckets together
            return Overview(
                now=span.now,
                start=span.start,
                window=window,
                series=_series(connection, window, which, first),
                queue=queue,
                open_calls=connection.execute(_OPEN).scalar_one(),
                first_question_p50_s=whole.p50,
                first_question_p95_s=whole.p95,
                spent_by_hour_microdollars=_by_hour(connection, span.hours),
                calls=connection.execute(_CALLS, which).scalar_one(),
                outcomes=_counts(connection, _OUTCOMES, which),
                failed_batches=_counts(connection, _FAILED, {}),
                **_answer_check(connection, which),
            )

    def newest(self, limit: int) -> list[SessionLine]:
        """The newest sessions of all users."""
        return self._view.sessions(limit)

    def timeline(self, session_id: UUID) -> SessionTimeline | None:
        """How one session was written; None when there is no such session."""
        return read_session_timeline(self._engine, session_id)


def _series(
    connection: Connection, window: Window, which: Mapping[str, Any], first: Mapping[int | None, Any]
) -> Series:
    def read(statement: Any, **more: Any) -> dict[int, Any]:
        return {row.bucket: row for row in connection.execute(statement, {**which, **more})}

    def each(rows: Mapping[Any, Any], name: str, without: Any = 0) -> tuple[Any, ...]:
        return tuple(
            getattr(rows[bucket], name) if bucket in rows else without for bucket in range(window.buckets)
        )

    ledger = read(_LEDGER)
    return Series(
        questions=each(read(_QUESTIONS), "questions"),
        streams=each(read(_STREAMS, margin=_LONGEST_CALL, last=window.buckets - 1), "streams", 0.0),
        first_question_p50_s=each(first, "p50", None),
        first_question_p95_s=each(first, "p95", None),
        longest_wait_s=each(read(_WAITS), "longest", None),
        cache_read=each(ledger, "read"),
        cache_written=each(ledger, "written"),
        cost_microdollars=each(ledger, "cost", Decimal(0)),
    )


def _by_hour(connection: Connection, hours: int) -> tuple[Decimal, ...]:
    rows = {row.hour: Decimal(row.cost) for row in connection.execute(_TODAY_BY_HOUR)}
    return tuple(rows.get(hour, Decimal(0)) for hour in range(min(hours + 1, _DAY_HOURS)))


def _counts(connection: Connection, statement: Any, which: Mapping[str, Any]) -> dict[str, int]:
    rows = connection.execute(statement, {**which, "most": MOST_REASONS})
    return {row.reason: row.times for row in rows}


def _answer_check(connection: Connection, which: Mapping[str, Any]) -> dict[str, Any]:
    bounded = {**which, "most": MOST_BATCHES}
    row = connection.execute(_REWRITTEN, bounded).one()
    verdicts = {each.verdict: each.questions for each in connection.execute(_VERDICTS, bounded)}
    doubts = {each.doubt: each.questions for each in connection.execute(_DOUBTS, bounded)}
    counts = {"rewritten": row.rewritten, "checked_batches": row.batches}
    return {"verdicts": verdicts, "doubts": doubts, **counts}


def _bucket(moment: str) -> str:
    return f"floor(extract(epoch FROM {moment} - :start) / :step)::int"


# Buckets begin at whole multiples of their length, so that a refresh does not shift them.
_SPAN = text("""
    SELECT now() AS now, extract(hour FROM now() AT TIME ZONE 'UTC')::int AS hours,
           to_timestamp((floor(extract(epoch FROM now()) / :step) - (:buckets - 1)) * :step) AS start
""")

# The events have an index on time, and one is written with each committed question.
_QUESTIONS = text(f"""
    SELECT {_bucket("created_at")} AS bucket, count(*) AS questions
    FROM generation.events WHERE kind = 'question' AND created_at >= :start GROUP BY 1
""")  # noqa: S608 -- constants only

_STREAMS = text("""
    WITH spans AS (
        SELECT greatest(extract(epoch FROM opened_at - :start), 0) AS since,
               extract(epoch FROM coalesce(closed_at, now()) - :start) AS until
        FROM generation.attempts
        WHERE opened_at >= CAST(:start AS timestamptz) - CAST(:margin AS interval)
          AND coalesce(closed_at, now()) >= :start
    )
    SELECT bucket, (sum(least(until, (bucket + 1) * :step) - greatest(since, bucket * :step)) / :step)::float AS streams
    FROM spans, generate_series(floor(since / :step)::int, least(floor(until / :step)::int, :last)) AS bucket
    GROUP BY bucket
""")

# Of the first batch of each session, because a student waits for it. With and without buckets.
_FIRST_QUESTIONS = text(f"""
    WITH measured AS (
        SELECT {_bucket("ready_at")} AS bucket, extract(epoch FROM first_question_at - requested_at)::float AS took
        FROM generation.batches
        WHERE status = 'ready' AND ready_at >= :start AND batch_index = 0 AND first_question_at >= requested_at
    )
    SELECT bucket, percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY took) AS p95
    FROM measured GROUP BY GROUPING SETS ((bucket), ())
""")  # noqa: S608 -- constants only

_WAITS = text(f"""
    SELECT {_bucket("ready_at")} AS bucket,
           max(greatest(extract(epoch FROM started_at - requested_at), 0))::float AS longest
    FROM generation.batches WHERE status = 'ready' AND ready_at >= :start GROUP BY 1
""")  # noqa: S608 -- constants only

_LEDGER = text(f"""
    SELECT {_bucket("opened_at")} AS bucket, sum(cost_microdollars) AS cost, sum(cache_read_tokens)::bigint AS read,
           sum(cache_write_5m_tokens + cache_write_1h_tokens)::bigint AS written
    FROM generation.attempts WHERE opened_at >= :start GROUP BY 1
""")  # noqa: S608 -- constants only

_OPEN = text("SELECT count(*) FROM generation.attempts WHERE outcome = 'open'")

_CALLS = text("SELECT count(*) FROM generation.attempts WHERE opened_at >= :start")

_OUTCOMES = text("""
    SELECT outcome AS reason, count(*) AS times FROM generation.attempts
    WHERE opened_at >= :start AND outcome NOT IN ('complete', 'open')
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most
""")

_FAILED = text("""
    SELECT coalesce(last_error, 'unknown') AS reason, count(*) AS times FROM generation.batches
    WHERE status = 'failed' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most
""")

_TODAY_BY_HOUR = text("""
    SELECT extract(hour FROM opened_at AT TIME ZONE 'UTC')::int AS hour, sum(cost_microdollars) AS cost
    FROM generation.attempts WHERE opened_at >= date_trunc('day', now(), 'UTC') GROUP BY 1
""")

_LATEST = """
    WITH latest AS (
        SELECT session_id, batch_index FROM generation.batches
        WHERE status = 'ready' AND ready_at >= :start ORDER BY ready_at DESC LIMIT :most
    )
"""

_VERDICTS = text(f"""{_LATEST}
    SELECT coalesce(solver_verdict, 'unchecked') AS verdict, count(*) AS questions
    FROM latest JOIN generation.questions USING (session_id, batch_index) GROUP BY 1 ORDER BY 1
""")  # noqa: S608 -- constants only

_DOUBTS = text(f"""{_LATEST}
    SELECT doubt, count(*) AS questions
    FROM latest JOIN generation.questions USING (session_id, batch_index), unnest(solver_reasons) AS doubt
    GROUP BY 1 ORDER BY 1
""")  # noqa: S608 -- constants only

_REWRITTEN = text(f"""{_LATEST}
    SELECT coalesce(sum(disputes), 0)::int AS rewritten, (SELECT count(*) FROM latest)::int AS batches
    FROM latest JOIN generation.slots USING (session_id, batch_index)
""")  # noqa: S608 -- constants only
