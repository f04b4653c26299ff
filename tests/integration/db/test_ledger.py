"""The cost of model calls, summed exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.batches import BatchStore
from db.ledger import CostKey, LedgerStore
from db.sessions import SessionStore
from generation.model_call import AttemptRecord, Usage, UsageSource
from tests.integration.db.exams import claimed, new_session, question_for
from tests.support.attempts import an_attempt

pytestmark = pytest.mark.usefixtures("same_day")

SESSION, OTHER = UUID(int=1), UUID(int=2)


def attempt(**changes: Any) -> AttemptRecord:
    made = an_attempt(
        session_id=SESSION,
        accepted=9,
        rejected=1,
        usage=Usage(input=300, output=3000, cache_read=15000, cache_write_5m=10, cache_write_1h=20),
        cost_microdollars=Decimal("50400.0001"),
    )
    return replace(made, **changes)


def test_an_attempt_is_recorded_when_it_begins_and_completed_when_it_ends(
    ledger: LedgerStore, run_sql: Callable[..., Any]
) -> None:
    begun = attempt(outcome="open", accepted=0, rejected=0, usage=Usage(), cost_microdollars=Decimal(0))
    ledger.open(begun)
    [row] = run_sql("SELECT outcome, closed_at, opened_at FROM generation.attempts")
    assert (row.outcome, row.closed_at) == ("open", None)

    ended = replace(
        attempt(id=begun.id),
        first_token_ms=900,
        duration_ms=41000,
        stop_reason="end_turn",
        request_id="req",
        message_id="msg",
        cache_miss_reason="too_short",
    )
    ledger.close(ended)
    [after] = run_sql("SELECT * FROM generation.attempts")
    assert (after.outcome, after.cost_microdollars) == ("complete", Decimal("50400.0001"))
    assert (after.cache_read_tokens, after.cache_write_1h_tokens) == (15000, 20)
    assert (after.first_token_ms, after.request_id, after.cache_miss_reason) == (900, "req", "too_short")
    assert after.opened_at == row.opened_at < after.closed_at


def test_a_cost_is_recorded_also_when_the_beginning_was_not(ledger: LedgerStore) -> None:
    ledger.close(attempt())

    assert ledger.spent() == Decimal("50400.0001")


def test_recording_twice_counts_once(ledger: LedgerStore) -> None:
    once = attempt()
    for _ in range(2):
        ledger.open(once)
        ledger.close(once)

    assert ledger.spent(session_id=SESSION) == Decimal("50400.0001")


def test_spending_is_summed_for_a_session_and_since_a_time(ledger: LedgerStore) -> None:
    now = datetime.now(UTC)
    ledger.close(attempt())
    ledger.close(attempt(session_id=OTHER, cost_microdollars=Decimal("0.3")))

    assert ledger.spent() == Decimal("50400.3001")
    assert ledger.spent(session_id=OTHER) == Decimal("0.3")
    assert ledger.spent(since=now - timedelta(minutes=5)) == Decimal("50400.3001")
    assert ledger.spent(since=now + timedelta(minutes=5)) == 0
    assert ledger.spent(session_id=uuid4()) == 0


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (CostKey.PROVIDER, ["claude", "openrouter"]),
        (CostKey.MODEL, ["claude-sonnet-5-5", "other"]),
        (CostKey.OUTCOME, ["complete", "stream_cut"]),
        (CostKey.SESSION, [str(SESSION), str(OTHER)]),
        (CostKey.BATCH, ["0", "3"]),
        (CostKey.DAY, ["today"]),
    ],
)
def test_costs_are_added_up_by(ledger: LedgerStore, key: CostKey, expected: list[str]) -> None:
    for _ in range(2):
        ledger.close(attempt())
    ledger.close(
        attempt(provider="openrouter", model="other", session_id=OTHER, batch_index=3, outcome="stream_cut")
    )

    costs = ledger.cost_by(key)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert ["today" if cost.key == today else cost.key for cost in costs] == expected
    assert sum(cost.cost_microdollars for cost in costs) == Decimal("151200.0003")
    assert sum(cost.attempts for cost in costs) == 3
    assert sum(cost.usage.cache_read for cost in costs) == 45000
    assert (costs[0].asked, costs[0].rejected) == (costs[0].attempts * 10, costs[0].attempts)


def test_costs_are_summed_between_two_times(ledger: LedgerStore) -> None:
    ledger.close(attempt())
    now = datetime.now(UTC)
    hour = timedelta(hours=1)

    assert len(ledger.cost_by(CostKey.MODEL, since=now - hour, until=now + hour)) == 1
    assert ledger.cost_by(CostKey.MODEL, until=now - hour) == []
    assert ledger.cost_by(CostKey.MODEL, session_id=OTHER) == []


def test_how_the_usage_is_known_is_kept_and_counted(ledger: LedgerStore, run_sql: Callable[..., Any]) -> None:
    for provider in (*UsageSource, UsageSource.COUNTED):
        ledger.close(attempt(usage_source=provider))

    [cost] = ledger.cost_by(CostKey.PROVIDER)
    assert (cost.attempts, cost.counted, cost.estimated, cost.unknown) == (6, 2, 1, 1)
    [row] = run_sql("SELECT count(DISTINCT usage_source) AS kinds FROM generation.attempts")
    assert row.kinds == 5


def grow_old(run_sql: Callable[..., Any]) -> None:
    run_sql("UPDATE generation.attempts SET opened_at = now() - interval '1 minute' RETURNING id")


def test_a_call_whose_worker_is_gone_is_closed_as_lost_and_of_unknown_cost(
    ledger: LedgerStore, store: BatchStore, sessions: SessionStore, run_sql: Callable[..., Any]
) -> None:
    claim = claimed(store, new_session(sessions))
    call = attempt(
        session_id=claim.session_id,
        epoch=claim.epoch,
        outcome="open",
        accepted=0,
        usage=Usage(),
        cost_microdollars=Decimal(0),
    )
    ledger.open(call)
    store.accept(claim, question_for(claim.open_slots[0]), call.id, "claude")
    grow_old(run_sql)
    assert ledger.close_lost(10) == 0, "its lease is alive"

    run_sql("UPDATE generation.batches SET lease_until = now() - interval '1 second' RETURNING epoch")
    assert ledger.close_lost(10) == 1
    assert ledger.close_lost(10) == 0
    [row] = run_sql("SELECT * FROM generation.attempts")
    assert (row.outcome, row.usage_source, row.accepted) == ("lost", "unknown", 1)
    assert row.closed_at is not None


def test_a_worker_that_comes_back_records_the_true_outcome_of_a_lost_call(
    ledger: LedgerStore, run_sql: Callable[..., Any]
) -> None:
    call = attempt(outcome="open")
    ledger.open(call)
    grow_old(run_sql)
    assert ledger.close_lost(10) == 1
    ledger.close(replace(call, outcome="stream_cut", usage_source=UsageSource.COUNTED))
    [cost] = ledger.cost_by(CostKey.OUTCOME)
    assert (cost.key, cost.unknown) == ("stream_cut", 0)


def test_a_call_that_has_just_begun_is_not_lost(ledger: LedgerStore) -> None:
    ledger.open(attempt(outcome="open"))
    assert ledger.close_lost(10) == 0
