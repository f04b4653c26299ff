"""The limit of what one user may cost in a day: what it reserves, refuses and never cuts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.sessions import SessionStore
from db.spending import RESERVED_FOR, SpendLimits
from generation.errors import SpendLimitReached
from generation.model import Urgency
from runtime.settings import PlanSettings
from tests.integration.db.exams import STUDENT, exam_plan, make_ready
from tests.support.attempts import an_attempt, dollars_spent

pytestmark = pytest.mark.usefixtures("same_day")

#: Two exams of seven questions fit.
LIMITS = SpendLimits(user_day_usd=Decimal(20), question_usd=Decimal(1))
OTHER = UUID(int=8)
AT_ONCE = PlanSettings(prefetch_reading_s=0)
Sql = Callable[..., Any]


@pytest.fixture
def sessions(engine: Engine) -> SessionStore:
    return SessionStore(engine, limits=LIMITS)


@pytest.fixture
def store(engine: Engine) -> BatchStore:
    return BatchStore(engine, LIMITS)


def create(sessions: SessionStore, user_id: UUID = STUDENT) -> UUID:
    return sessions.create(user_id, exam_plan()).session_id


def refused(sessions: SessionStore) -> SpendLimitReached:
    with pytest.raises(SpendLimitReached) as caught:
        create(sessions)
    assert caught.value.scope == "user"
    return caught.value


def lapse(run_sql: Sql) -> None:
    run_sql("UPDATE generation.plans SET reserved_until = now() - interval '1 s'")


def test_a_session_reserves_its_whole_cost_and_another_user_has_their_own_limit(
    sessions: SessionStore, run_sql: Sql
) -> None:
    create(sessions), create(sessions)
    error = refused(sessions)
    assert 0 < error.retry_after_s <= RESERVED_FOR.total_seconds(), (
        "an open session may end sooner than the day"
    )
    assert "SPEND_LIMIT_USER_DAY_USD=20" in str(error)
    create(sessions, OTHER)
    assert [row.number for row in run_sql("SELECT count(*) AS number FROM generation.plans")] == [3]


def test_sessions_created_at_the_same_time_do_not_exceed_the_limit(sessions: SessionStore) -> None:
    def attempt(_: int) -> bool:
        try:
            create(sessions)
        except SpendLimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 2


def test_a_running_exam_continues_though_it_costs_more_than_was_reserved(
    sessions: SessionStore, store: BatchStore, ledger: LedgerStore
) -> None:
    session_id = create(sessions)
    make_ready(store, session_id, 0)
    ledger.close(dollars_spent(50, session_id))
    refused(sessions)
    assert store.note_progress(session_id, 2, plan=AT_ONCE).wanted is not None
    make_ready(store, session_id, 1)
    assert store.request(session_id, 2, Urgency.INTERACTIVE).created


def test_what_was_spent_counts_until_midnight_and_only_for_its_user(
    sessions: SessionStore, ledger: LedgerStore, run_sql: Sql
) -> None:
    session_id = create(sessions)
    sessions.cancel(session_id)
    ledger.close(dollars_spent("13.000001", session_id))
    assert refused(sessions).retry_after_s > 0
    create(sessions, OTHER)
    run_sql("UPDATE generation.attempts SET opened_at = date_trunc('day', now(), 'UTC') - interval '1 s'")
    create(sessions)


def test_a_cancelled_session_gives_its_reservation_back(sessions: SessionStore) -> None:
    first = create(sessions)
    create(sessions)
    refused(sessions)
    sessions.cancel(first)
    create(sessions)


@pytest.mark.parametrize("outcome", ["lost", "open"])
def test_a_call_of_unknown_cost_counts_as_estimated(
    sessions: SessionStore, ledger: LedgerStore, outcome: str
) -> None:
    """Else a student could cancel again and again while calls are in flight."""
    session_id = create(sessions)
    sessions.cancel(session_id)
    for _ in range(2):
        ledger.open(replace(an_attempt(session_id=session_id), outcome=outcome))
    refused(sessions)


def test_a_call_in_flight_of_an_open_session_counts_once(sessions: SessionStore, ledger: LedgerStore) -> None:
    ledger.open(an_attempt(session_id=create(sessions), outcome="open"))
    create(sessions)


def test_a_lapsed_reservation_is_made_again_by_the_next_batch_within_the_limit(
    sessions: SessionStore, store: BatchStore, ledger: LedgerStore, run_sql: Sql
) -> None:
    idle = create(sessions)
    make_ready(store, idle, 0)
    ledger.close(dollars_spent(3, idle))
    lapse(run_sql)
    create(sessions), create(sessions)
    with pytest.raises(SpendLimitReached):
        store.request(idle, 1, Urgency.INTERACTIVE)
    progress = store.note_progress(idle, 2, plan=AT_ONCE)
    assert isinstance(progress.not_wanted, SpendLimitReached)
    lapse(run_sql)
    assert store.request(idle, 1, Urgency.INTERACTIVE).created
    make_ready(store, idle, 1)
    create(sessions), create(sessions), refused(sessions)


def test_progress_does_not_bring_a_lapsed_reservation_back(
    sessions: SessionStore, store: BatchStore, run_sql: Sql
) -> None:
    idle = create(sessions)
    make_ready(store, idle, 0)
    lapse(run_sql)
    store.note_progress(idle, 1, plan=AT_ONCE)
    create(sessions), create(sessions)
    refused(sessions)


def test_a_repeated_request_returns_its_session_beyond_the_users_limit(sessions: SessionStore) -> None:
    first = sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="d")
    create(sessions)
    again = sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="d")
    assert (again.session_id, again.replayed) == (first.session_id, True)


def test_fifty_sessions_that_are_cancelled_at_once_cost_no_more_than_the_limit(
    sessions: SessionStore, ledger: LedgerStore
) -> None:
    spent = Decimal(0)
    for _ in range(50):
        try:
            session_id = create(sessions)
        except SpendLimitReached:
            break
        ledger.close(dollars_spent(1, session_id))
        sessions.cancel(session_id)
        spent += 1
    assert spent == 14


def test_reading_at_an_impossible_speed_starts_no_prefetch_and_hides_no_batch(
    sessions: SessionStore, store: BatchStore, run_sql: Sql
) -> None:
    plan = PlanSettings(prefetch_reading_s=5)
    session_id = create(sessions)
    make_ready(store, session_id, 0)
    for position in (2, 2, 1, 2, 0, 2):
        progress = store.note_progress(session_id, position, plan=plan)
        assert progress.wanted is None
        assert progress.is_plausible == (position == 0)
    assert store.request(session_id, 1, Urgency.INTERACTIVE).created, "a direct request is always served"
    make_ready(store, session_id, 1)
    assert not store.note_progress(session_id, 4, plan=plan).is_plausible
    run_sql("UPDATE generation.batches SET first_question_at = first_question_at - interval '21 s'")
    assert store.note_progress(session_id, 4, plan=plan).wanted is not None


def test_a_long_pause_is_not_saved_up_for_later_batches(
    sessions: SessionStore, store: BatchStore, run_sql: Sql
) -> None:
    plan = PlanSettings(prefetch_reading_s=5)
    session_id = create(sessions)
    make_ready(store, session_id, 0)
    run_sql("UPDATE generation.batches SET first_question_at = first_question_at - interval '1 day'")
    assert store.note_progress(session_id, 2, plan=plan).wanted is not None
    make_ready(store, session_id, 1)
    assert store.note_progress(session_id, 4, plan=plan).wanted is None


def test_an_unknown_user_has_spent_nothing(sessions: SessionStore) -> None:
    create(sessions, uuid4())
