"""Spend limits: what they reject, and what they do not affect."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.sessions import SessionStore
from db.spending import NO_LIMITS, SpendLimits
from generation.errors import SpendLimitReached
from generation.model import BatchStatus, Urgency
from tests.integration.db.exams import STUDENT, claimed, exam_plan, make_ready, new_session
from tests.support.attempts import dollars_spent

pytestmark = pytest.mark.usefixtures("same_day")

LIMITS = SpendLimits(session_usd=Decimal(2), day_usd=Decimal(5))


@pytest.fixture
def limited(engine: Engine) -> tuple[SessionStore, BatchStore]:
    return SessionStore(engine, limits=LIMITS), BatchStore(engine, LIMITS)


def spend(ledger: LedgerStore, session_id: UUID, dollars: str) -> None:
    ledger.close(dollars_spent(dollars, session_id))


def test_a_session_may_cost_up_to_its_limit_and_then_gets_no_further_batch(
    limited: tuple[SessionStore, BatchStore], ledger: LedgerStore
) -> None:
    sessions, batches = limited
    session_id = new_session(sessions)
    make_ready(batches, session_id, 0)
    spend(ledger, session_id, "1.999999")
    assert batches.request(session_id, 1, Urgency.PREFETCH).created
    spend(ledger, session_id, "0.000001")
    assert not batches.request(session_id, 1, Urgency.PREFETCH).created, "it is wanted already"
    with pytest.raises(SpendLimitReached) as caught:
        batches.check_spending(session_id)
    assert (caught.value.scope, caught.value.code) == ("session", "spend_limit_reached")
    assert "SPEND_LIMIT_SESSION_USD=2" in str(caught.value)


def test_a_rejected_batch_leaves_no_row(
    limited: tuple[SessionStore, BatchStore], ledger: LedgerStore, run_sql: Callable[..., Any]
) -> None:
    sessions, batches = limited
    session_id = new_session(sessions)
    make_ready(batches, session_id, 0)
    spend(ledger, session_id, "3")
    for urgency in Urgency:
        with pytest.raises(SpendLimitReached):
            batches.request(session_id, 1, urgency)
    assert len(run_sql("SELECT 1 FROM generation.batches")) == 1
    assert batches.request(session_id, 0, Urgency.INTERACTIVE).status is BatchStatus.READY


def test_a_failed_batch_is_not_tried_again_beyond_the_limit(
    limited: tuple[SessionStore, BatchStore], ledger: LedgerStore, run_sql: Callable[..., Any]
) -> None:
    sessions, batches = limited
    session_id = new_session(sessions)
    batches.fail(claimed(batches, session_id), "slots_left_open")
    spend(ledger, session_id, "2")
    with pytest.raises(SpendLimitReached):
        batches.request(session_id, 0, Urgency.INTERACTIVE)
    [row] = run_sql("SELECT status FROM generation.batches")
    assert row.status == "failed"


def test_the_days_limit_rejects_new_sessions_until_midnight_and_lets_existing_ones_continue(
    limited: tuple[SessionStore, BatchStore], ledger: LedgerStore
) -> None:
    sessions, batches = limited
    running = new_session(sessions)
    make_ready(batches, running, 0)
    for _ in range(5):
        spend(ledger, uuid4(), "1")
    with pytest.raises(SpendLimitReached) as caught:
        new_session(sessions)
    assert caught.value.scope == "day"
    assert 0 < caught.value.retry_after_s <= 24 * 3600
    assert batches.request(running, 1, Urgency.PREFETCH).created
    batches.check_spending(running)


def test_yesterdays_money_is_not_todays(
    limited: tuple[SessionStore, BatchStore], ledger: LedgerStore, run_sql: Callable[..., Any]
) -> None:
    spend(ledger, uuid4(), "50")
    run_sql("UPDATE generation.attempts SET opened_at = date_trunc('day', now(), 'UTC') - interval '1 s'")
    new_session(limited[0])


def test_a_repeated_request_returns_its_session_beyond_the_limit(
    limited: tuple[SessionStore, BatchStore], ledger: LedgerStore, run_sql: Callable[..., Any]
) -> None:
    sessions, _ = limited
    first = sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="d")
    spend(ledger, uuid4(), "5")
    again = sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="d")
    assert (again.session_id, again.replayed) == (first.session_id, True)
    with pytest.raises(SpendLimitReached):
        sessions.create(STUDENT, exam_plan(), idempotency_key="other", request_digest="d")
    [row] = run_sql("SELECT count(*) AS keys FROM generation.idempotency_keys")
    assert row.keys == 1, "the key of a rejected call is free for another try"


def test_without_limits_nothing_is_queried(engine: Engine, ledger: LedgerStore) -> None:
    sessions, batches = SessionStore(engine), BatchStore(engine, NO_LIMITS)
    session_id = new_session(sessions)
    spend(ledger, session_id, "1000000")
    batches.check_spending(session_id)
    make_ready(batches, session_id, 0)
    assert batches.request(session_id, 1, Urgency.INTERACTIVE).created
    new_session(sessions)
