"""No lock of ours is held while we wait for a row of the web app, and the heartbeat waits for no lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from db.batches import BatchStore
from db.engine import make_engine
from db.leases import Lease, Renewal
from db.sessions import SessionStore
from generation.model import Claim, SessionKind, Urgency
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import (
    STUDENT,
    TTL_S,
    claimed,
    exam_plan,
    fill,
    make_ready,
    new_session,
    question_for,
)
from tests.integration.db.races import a_session_waits, until

LAPSE = "UPDATE generation.batches SET lease_until = now() - interval '1 second'"
END = "UPDATE exam_sessions SET status = 'completed' WHERE id = :id"


@pytest.fixture
def impatient(database: DatabaseSettings) -> Iterator[Engine]:
    """An engine on which a statement that waits for a lock fails soon."""
    engine = make_engine(database.model_copy(update={"database_lock_timeout_ms": 100}), "impatient")
    yield engine
    engine.dispose()


@contextmanager
def web_app_holds(engine: Engine, session_id: UUID) -> Iterator[None]:
    """A transaction of the web app that stays open."""
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT 1 FROM exam_sessions WHERE id = :id FOR UPDATE"), {"id": session_id})
        yield


@contextmanager
def waiting_for_it(engine: Engine, session_id: UUID, work: Callable[[], object]) -> Iterator[Future[object]]:
    """While the block runs, `work` waits for the web app's row; it continues after the block."""
    with ThreadPoolExecutor(1) as pool:
        with web_app_holds(engine, session_id):
            at_work = pool.submit(work)
            until(lambda: at_work.done() or a_session_waits(engine))
            assert not at_work.done(), "it should have waited for the web app's row"
            yield at_work
        at_work.result()


@pytest.fixture
def two_claims(store: BatchStore, session_id: UUID) -> tuple[Claim, Claim]:
    """The first batch, written and not finished, and the second, prefetched and running."""
    first = claimed(store, session_id)
    store.request(session_id, 1, Urgency.PREFETCH)
    fill(store, first)
    return first, claimed(store, session_id, 1)


ENDINGS: list[Callable[[BatchStore, Claim], object]] = [
    lambda store, claim: store.finish(claim),
    lambda store, claim: store.fail(claim, "refused"),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=["finish", "fail"])
def test_while_a_run_waits_for_the_web_app_its_own_and_all_other_runs_go_on(
    engine: Engine,
    impatient: Engine,
    store: BatchStore,
    two_claims: tuple[Claim, Claim],
    ending: Callable[[BatchStore, Claim], object],
) -> None:
    first, second = two_claims
    others = BatchStore(impatient)
    with waiting_for_it(engine, first.session_id, partial(ending, store, first)):
        leases = [Lease.of(first), Lease.of(second)]
        assert others.renew(leases, TTL_S).renewed == set(leases)
        others.accept(second, question_for(second.open_slots[0]), uuid4(), "claude")
        others.sweep(15, 10)


MOVES: list[Callable[[Engine, UUID], object]] = [
    lambda engine, session_id: SessionStore(engine).cancel(session_id),
    lambda engine, session_id: SessionStore(engine).pause(session_id),
    lambda engine, session_id: BatchStore(engine).request(session_id, 2, Urgency.PREFETCH),
]


@pytest.mark.parametrize("move", MOVES, ids=["cancel", "pause", "request"])
def test_while_a_student_waits_for_the_web_app_their_batches_continue(
    engine: Engine,
    impatient: Engine,
    store: BatchStore,
    move: Callable[[Engine, UUID], object],
    session_id: UUID,
) -> None:
    make_ready(store, session_id, 0)
    store.request(session_id, 1, Urgency.PREFETCH)
    run = claimed(store, session_id, 1)
    others = BatchStore(impatient)
    with waiting_for_it(engine, session_id, partial(move, engine, session_id)):
        assert others.renew([Lease.of(run)], TTL_S).renewed == {Lease.of(run)}
        others.accept(run, question_for(run.open_slots[0]), uuid4(), "claude")
        others.release(run, 60, "late", counts_as_failure=False)


def test_the_heartbeat_does_not_wait_for_a_locked_row(
    engine: Engine, impatient: Engine, store: BatchStore, sessions: SessionStore
) -> None:
    busy, free = (claimed(store, new_session(sessions)) for _ in range(2))
    with engine.begin() as connection:
        connection.execute(
            text("SELECT 1 FROM generation.batches WHERE session_id = :id FOR UPDATE"),
            {"id": busy.session_id},
        )
        renewal = BatchStore(impatient).renew([Lease.of(busy), Lease.of(free)], TTL_S)
    assert renewal == Renewal(renewed=frozenset({Lease.of(free)}), busy=frozenset({Lease.of(busy)}))


def test_the_heartbeat_goes_on_while_the_web_app_changes_its_table(
    engine: Engine, impatient: Engine, store: BatchStore, session_id: UUID
) -> None:
    run = claimed(store, session_id)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE exam_sessions IN ACCESS EXCLUSIVE MODE"))
        assert BatchStore(impatient).renew([Lease.of(run)], TTL_S).renewed == {Lease.of(run)}


def test_a_locked_row_of_the_web_app_delays_no_sweep(
    engine: Engine, impatient: Engine, store: BatchStore, sessions: SessionStore, run_sql: Callable[..., Any]
) -> None:
    """The locked session is closed when the lock is released; all others are swept meanwhile."""
    held, ended, dead = (new_session(sessions) for _ in range(3))
    claimed(store, dead)
    run_sql(LAPSE)
    for session_id in (held, ended):
        run_sql(END, id=session_id)
    with web_app_holds(engine, held):
        assert [due.session_id for due in BatchStore(impatient).sweep(15, 10)] == [dead]
        assert _failed(run_sql) == {ended}
    store.sweep(15, 10)
    assert _failed(run_sql) == {ended, held}
    assert run_sql("SELECT id FROM exam_sessions WHERE generation_in_progress") == [(dead,)]


def test_two_batches_that_become_ready_at_once_are_both_published(
    sessions: SessionStore, store: BatchStore
) -> None:
    session_id = new_session(sessions, exam_plan((1, 1)))
    first = claimed(store, session_id)
    store.request(session_id, 1, Urgency.PREFETCH)
    second = claimed(store, session_id, 1)
    for claim in (first, second):
        fill(store, claim)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(store.finish, (second, first)))
    assert sessions.view(session_id, SessionKind.EXAM, STUDENT).generated_batches == 2


def _failed(run_sql: Callable[..., Any]) -> set[UUID]:
    return {
        row.session_id for row in run_sql("SELECT session_id FROM generation.batches WHERE status = 'failed'")
    }
