"""The numbers of the operators' page are those of the rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from db import operator_dashboard as queries
from db.batches import BatchStore
from db.ledger import OPEN, CostKey, LedgerStore
from db.operator_dashboard import OperatorDashboard, Overview, Window
from db.operator_queries import LOOK_TIMEOUT_MS, begin_look
from db.sessions import SessionStore
from generation.model import Urgency
from generation.model_call import AttemptRecord, Usage, UsageSource
from generation.verdicts import Purpose
from tests.integration.db.exams import claimed, make_ready, new_session, question_for
from tests.support.attempts import an_attempt

pytestmark = pytest.mark.usefixtures("same_day")

WINDOW = Window(step_s=60, buckets=60)


@pytest.fixture
def dashboard(engine: Engine) -> OperatorDashboard:
    return OperatorDashboard(engine, Decimal(5))


def call(ledger: LedgerStore, **changes: Any) -> AttemptRecord:
    usage = Usage(input=10, output=20, cache_read=900, cache_write_5m=60, cache_write_1h=40)
    made = an_attempt(usage=usage, usage_source=UsageSource.REPORTED, cost_microdollars=Decimal("1500.25"))
    made = replace(made, **changes)
    ledger.open(made)
    ledger.close(made)
    return made


def sql(engine: Engine, statement: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def test_an_empty_database_has_a_page_of_zeros(dashboard: OperatorDashboard) -> None:
    empty = dashboard.overview(WINDOW)

    assert sum(empty.series.questions) == empty.calls == empty.open_calls == 0
    assert empty.first_question_p95_s is None
    assert empty.outcomes == empty.failed_batches == empty.verdicts == {}
    assert len(empty.series.questions) == WINDOW.buckets
    assert timedelta() <= empty.now - empty.start <= timedelta(hours=1)


def test_questions_calls_cost_and_cache_are_those_of_the_rows(
    dashboard: OperatorDashboard, store: BatchStore, ledger: LedgerStore, session_id: UUID
) -> None:
    make_ready(store, session_id, 0)
    make_ready(store, session_id, 1)
    for number in range(3):
        call(ledger, session_id=session_id, batch_index=number % 2)
    call(ledger, outcome="stream_cut", cost_microdollars=Decimal(7))
    ledger.open(an_attempt(outcome=OPEN))
    seen = dashboard.overview(WINDOW)
    [day] = ledger.cost_by(CostKey.DAY)

    assert sum(seen.series.questions) == 5
    assert seen.calls == day.attempts == 5
    assert seen.open_calls == 1
    assert seen.outcomes == {"stream_cut": 1}
    assert sum(seen.series.cost_microdollars) == day.cost_microdollars == Decimal("4507.75")
    assert seen.queue.spent_today_microdollars == sum(seen.spent_by_hour_microdollars) == Decimal("4507.75")
    assert sum(seen.series.cache_read) == day.usage.cache_read == 3600
    assert sum(seen.series.cache_written) == day.usage.cache_written == 400


def test_what_lies_before_the_window_is_not_counted(
    dashboard: OperatorDashboard, store: BatchStore, ledger: LedgerStore, session_id: UUID, engine: Engine
) -> None:
    make_ready(store, session_id, 0)
    call(ledger, outcome="stream_cut")
    for table, column in (("events", "created_at"), ("batches", "ready_at"), ("attempts", "opened_at")):
        sql(engine, f"UPDATE generation.{table} SET {column} = {column} - interval '2 hours'")
    seen = dashboard.overview(WINDOW)

    assert sum(seen.series.questions) == seen.calls == seen.checked_batches == 0
    assert seen.outcomes == seen.verdicts == {}


def test_streams_are_the_time_of_calls_in_each_bucket(
    dashboard: OperatorDashboard, ledger: LedgerStore, engine: Engine
) -> None:
    """Two calls for one and a half minutes each: three minutes of calls in buckets of a minute."""
    call(ledger)
    call(ledger)
    sql(
        engine,
        "UPDATE generation.attempts SET opened_at = date_trunc('minute', now()) - interval '150 seconds', "
        "closed_at = date_trunc('minute', now()) - interval '60 seconds'",
    )
    streams = dashboard.overview(WINDOW).series.streams

    first = streams.index(1.0)
    assert first in {WINDOW.buckets - 4, WINDOW.buckets - 5}, "a minute may begin between the two statements"
    assert streams[first : first + 2] == (1.0, 2.0)
    assert sum(streams) == pytest.approx(3.0)


def test_the_time_to_the_first_question_is_that_of_first_batches(
    dashboard: OperatorDashboard, store: BatchStore, sessions: SessionStore, engine: Engine
) -> None:
    for seconds in (2, 4, 6):
        session_id = new_session(sessions)
        make_ready(store, session_id, 0)
        sql(
            engine,
            "UPDATE generation.batches SET requested_at = first_question_at - make_interval(secs => :s), "
            "started_at = first_question_at - make_interval(secs => :s) + interval '1 second' WHERE session_id = :id",
            s=seconds,
            id=session_id,
        )
        make_ready(store, session_id, 1)
    seen = dashboard.overview(WINDOW)

    assert seen.first_question_p50_s == pytest.approx(4)
    assert seen.first_question_p95_s == pytest.approx(5.8)
    assert max(filter(None, seen.series.longest_wait_s)) == pytest.approx(1, abs=0.5)


def test_verdicts_and_rewritten_questions_are_counted(
    dashboard: OperatorDashboard, store: BatchStore, session_id: UUID, engine: Engine
) -> None:
    make_ready(store, session_id, 0)
    sql(engine, "UPDATE generation.questions SET solver_verdict = 'agreed' WHERE position = 0")
    sql(
        engine,
        "UPDATE generation.questions SET solver_verdict = 'disputed', "
        "solver_reasons = '{other_answer,language}' WHERE position = 1",
    )
    sql(engine, "UPDATE generation.slots SET disputes = 1 WHERE position = 2")
    seen = dashboard.overview(WINDOW)

    assert seen.verdicts == {"agreed": 1, "disputed": 1, "unchecked": 1}
    assert seen.doubts == {"language": 1, "other_answer": 1}
    assert (seen.rewritten, seen.checked_batches) == (1, 1)


def test_waiting_and_failed_batches_are_seen(
    dashboard: OperatorDashboard, store: BatchStore, sessions: SessionStore, engine: Engine
) -> None:
    store.request(new_session(sessions), 0, Urgency.INTERACTIVE)
    sql(
        engine,
        "UPDATE generation.batches SET requested_at = now() - interval '9 s', not_before = now() - interval '9 s'",
    )
    store.request(new_session(sessions), 0, Urgency.INTERACTIVE)
    sql(
        engine,
        "UPDATE generation.batches SET status = 'failed', last_error = 'content_filtered' "
        "WHERE requested_at > now() - interval '5 s'",
    )
    seen = dashboard.overview(WINDOW)

    assert seen.queue.queues[Urgency.INTERACTIVE].due == 1
    assert seen.queue.queues[Urgency.INTERACTIVE].oldest_due_s >= 9
    assert seen.failed_batches == {"content_filtered": 1}


def test_a_timeline_tells_a_takeover(
    dashboard: OperatorDashboard, store: BatchStore, ledger: LedgerStore, session_id: UUID, engine: Engine
) -> None:
    store.request(session_id, 0, Urgency.INTERACTIVE)
    first = claimed(store, session_id)
    began = an_attempt(session_id=session_id, epoch=first.epoch, asked=3, outcome=OPEN)
    ledger.open(began)
    store.accept(first, question_for(first.open_slots[0]), began.id, "claude")
    sql(engine, "UPDATE generation.batches SET lease_until = now() - interval '1 s'")
    taken = dashboard.timeline(session_id)
    second = claimed(store, session_id)
    again = call(ledger, session_id=session_id, epoch=second.epoch, asked=2, accepted=2)
    for slot in second.open_slots:
        store.accept(second, question_for(slot), again.id, "claude")
    store.finish(second)
    solved = call(ledger, session_id=session_id, epoch=second.epoch, purpose=Purpose.SOLVE)
    timeline = dashboard.timeline(session_id)

    assert taken is not None
    assert [batch.owner for batch in taken.batches] == ["worker"]
    assert timeline is not None
    assert [batch.owner for batch in timeline.batches] == [None]
    assert [batch.runs for batch in timeline.batches] == [2]
    assert [(each.id, each.epoch) for each in timeline.calls] == [
        (began.id, first.epoch),
        (again.id, second.epoch),
        (solved.id, second.epoch),
    ]
    assert [commit.attempt_id for commit in timeline.commits] == [began.id, again.id, again.id]
    assert timeline.cost_microdollars == ledger.spent(session_id=session_id)
    assert not timeline.is_complete


def test_a_timeline_is_complete_when_every_planned_batch_is_ready(
    dashboard: OperatorDashboard, store: BatchStore, session_id: UUID
) -> None:
    for batch_index in range(3):
        make_ready(store, session_id, batch_index)
    timeline = dashboard.timeline(session_id)

    assert timeline is not None
    assert timeline.is_complete
    assert len(timeline.commits) == timeline.total_questions == 7


def test_an_unknown_session_has_no_timeline(dashboard: OperatorDashboard) -> None:
    assert dashboard.timeline(uuid4()) is None


def test_a_look_writes_nothing_and_has_its_own_time_limit(
    engine: Engine, dashboard: OperatorDashboard
) -> None:
    with engine.connect() as connection:
        begin_look(connection)
        limit = connection.execute(text("SHOW statement_timeout")).scalar_one()
        read_only = connection.execute(text("SHOW transaction_read_only")).scalar_one()
    with engine.connect() as connection:
        after = connection.execute(text("SHOW statement_timeout")).scalar_one()

    assert (limit, read_only) == (f"{LOOK_TIMEOUT_MS // 1000}s", "on")
    assert after != limit


@pytest.mark.parametrize("window", [Window(15, 60), Window(60, 60), Window(1800, 48)])
def test_every_query_of_a_look_is_bounded_by_an_index(
    engine: Engine, dashboard: OperatorDashboard, store: BatchStore, session_id: UUID, window: Window
) -> None:
    """With sequential scans made dear, no plan has one: each table has an index that bounds the look by time."""
    make_ready(store, session_id, 0)
    seen: Overview = dashboard.overview(window)
    which = {
        "start": seen.start,
        "step": window.step_s,
        "most": 5,
        "margin": timedelta(minutes=15),
        "last": 3,
    }
    statements = [
        queries._QUESTIONS,
        queries._STREAMS,
        queries._FIRST_QUESTIONS,
        queries._WAITS,
        queries._LEDGER,
        queries._OPEN,
        queries._CALLS,
        queries._OUTCOMES,
        queries._FAILED,
        queries._TODAY_BY_HOUR,
        queries._VERDICTS,
        queries._REWRITTEN,
    ]
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        for statement in statements:
            explained = connection.execute(text(f"EXPLAIN {statement.text}"), which).scalars().all()
            plan = "\n".join(explained)
            assert "Seq Scan on" not in plan, plan
