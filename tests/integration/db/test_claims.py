"""Which run may hold a batch, and which may write: claim, lease, epoch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db import claims
from db.batches import BatchStore
from db.leases import Lease, Renewal
from db.sessions import SessionStore
from generation.errors import FenceLost
from generation.model import BatchStatus, Claim, SessionKind, Urgency
from tests.integration.db.exams import STUDENT, TTL_S, claimed, fill, new_session, question_for
from tests.integration.db.races import at_once, while_held

LAPSE = "UPDATE generation.batches SET lease_until = now() - interval '1 second'"


def accept_first(store: BatchStore, claim: Claim) -> None:
    store.accept(claim, question_for(claim.open_slots[0]), uuid4(), "claude")


def finish(store: BatchStore, claim: Claim) -> None:
    store.finish(claim)


def release(store: BatchStore, claim: Claim) -> None:
    store.release(claim, 0, "late", counts_as_failure=True)


def fail(store: BatchStore, claim: Claim) -> None:
    store.fail(claim, "late")


WRITES = [accept_first, finish, release, fail]
Write = Callable[[BatchStore, Claim], None]


def test_defect_1_of_many_that_claim_at_once_exactly_one_wins(
    sessions: SessionStore, store: BatchStore
) -> None:
    for session_id in (new_session(sessions) for _ in range(10)):
        tries = [partial(store.claim, session_id, 0, f"worker-{n}", TTL_S) for n in range(8)]
        winners = [claim for claim in at_once(tries) if claim is not None]
        assert [claim.epoch for claim in winners] == [1]


def test_a_claim_that_waits_for_another_finds_the_batch_taken(
    engine: Engine, store: BatchStore, session_id: UUID
) -> None:
    def first(connection: Any) -> None:
        assert claims.take(connection, session_id, 0, owner="first", ttl_s=TTL_S)

    with while_held(engine, first, partial(store.claim, session_id, 0, "second", TTL_S)) as second:
        assert second.result() is None


def test_a_live_lease_is_not_claimable_and_a_lapsed_one_is(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    """Defect 2: a killed worker blocks a batch no longer than its lease."""
    first = claimed(store, session_id)
    assert store.claim(session_id, 0, "other", TTL_S) is None

    run_sql(LAPSE)
    second = claimed(store, session_id)
    assert (first.epoch, second.epoch) == (1, 2)


def test_a_batch_that_is_not_due_not_wanted_or_unknown_is_not_claimable(
    store: BatchStore, session_id: UUID
) -> None:
    store.release(claimed(store, session_id), 60, "busy", counts_as_failure=False)

    assert store.claim(session_id, 0, "worker", TTL_S) is None
    assert store.claim(session_id, 1, "worker", TTL_S) is None
    assert store.claim(uuid4(), 0, "worker", TTL_S) is None


def test_a_ready_batch_is_not_claimable(store: BatchStore, session_id: UUID) -> None:
    claim = claimed(store, session_id)
    fill(store, claim)
    store.finish(claim)

    assert store.claim(session_id, 0, "worker", TTL_S) is None


@pytest.mark.parametrize("write", WRITES)
def test_a_stale_epoch_can_write_nothing(
    engine: Engine, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID, write: Write
) -> None:
    stale = claimed(store, session_id)
    run_sql(LAPSE)
    claimed(store, session_id)
    before = _everything(run_sql)

    with pytest.raises(FenceLost) as caught:
        write(store, stale)
    assert caught.value.context == {"session_id": session_id, "batch_index": 0, "epoch": 1}
    assert _everything(run_sql) == before


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_waits_for_a_takeover_finds_its_epoch_stale(
    engine: Engine, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID, write: Write
) -> None:
    stale = claimed(store, session_id)
    run_sql(LAPSE)

    def take_over(connection: Any) -> None:
        assert claims.take(connection, session_id, 0, owner="other", ttl_s=TTL_S)

    with while_held(engine, take_over, partial(write, store, stale)) as late:
        assert isinstance(late.exception(), FenceLost)
    assert run_sql("SELECT count(*) FROM generation.questions") == [(0,)]


@pytest.mark.parametrize("write", WRITES)
def test_a_run_that_released_its_batch_can_write_nothing(
    store: BatchStore, session_id: UUID, write: Write
) -> None:
    claim = claimed(store, session_id)
    store.release(claim, 0, "stream_cut", counts_as_failure=False)

    with pytest.raises(FenceLost):
        write(store, claim)


def test_a_run_with_a_lapsed_lease_still_writes_until_the_batch_is_taken(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    claim = claimed(store, session_id)
    run_sql(LAPSE)
    fill(store, claim)
    store.finish(claim)

    assert run_sql("SELECT status FROM generation.batches") == [("ready",)]


def test_renewing_extends_held_leases_and_leaves_out_lost_ones(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    lost = claimed(store, session_id)
    run_sql(LAPSE)
    claimed(store, session_id)
    kept = claimed(store, new_session(sessions), ttl_s=1)

    renewal = store.renew([Lease.of(lost), Lease.of(kept)], 60)
    assert renewal == Renewal(renewed=frozenset({Lease.of(kept)}))
    [row] = run_sql(
        "SELECT lease_until > now() + interval '50 seconds' FROM generation.batches WHERE session_id = :id",
        id=kept.session_id,
    )
    assert row[0] is True


def test_after_postgres_clock_went_back_the_next_heartbeat_sets_the_lease_right(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    """The lease would end an hour from now, and the batch of a dead worker would wait for that long."""
    claim = claimed(store, session_id)
    run_sql("UPDATE generation.batches SET lease_until = now() + interval '1 hour'")
    assert store.renew([Lease.of(claim)], TTL_S).renewed == {Lease.of(claim)}
    run_sql("UPDATE generation.batches SET lease_until = lease_until - make_interval(secs => :s)", s=TTL_S)
    assert store.claim(session_id, 0, "another", TTL_S) is not None


def test_after_postgres_clock_went_forward_the_former_holder_writes_nothing(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    early = claimed(store, session_id)
    run_sql("UPDATE generation.batches SET lease_until = lease_until - interval '1 day'")
    assert store.claim(session_id, 0, "another", TTL_S) is not None
    for write in WRITES:
        with pytest.raises(FenceLost):
            write(store, early)


def test_renewing_nothing_keeps_nothing(store: BatchStore) -> None:
    assert store.renew([], TTL_S) == Renewal()


@pytest.mark.parametrize("status", ["abandoned", "completed"])
def test_a_session_that_the_web_app_ended_is_not_renewed_after_the_next_sweep(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID, status: str
) -> None:
    claim = claimed(store, session_id)
    run_sql("UPDATE exam_sessions SET status = :status", status=status)
    store.sweep(TTL_S, 10)

    assert store.renew([Lease.of(claim)], TTL_S) == Renewal()
    assert store.claim(session_id, 0, "worker", TTL_S) is None


def test_a_session_that_the_web_app_deleted_is_not_renewed_after_the_next_sweep(
    store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    claim = claimed(store, session_id)
    run_sql("DELETE FROM exam_sessions")
    store.sweep(TTL_S, 10)

    assert store.renew([Lease.of(claim)], TTL_S) == Renewal()
    assert store.claim(session_id, 0, "worker", TTL_S) is None


def test_releasing_counts_failures_and_records_the_error(
    sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    store.release(claimed(store, session_id), 0, "provider_busy", counts_as_failure=False)
    store.release(claimed(store, session_id), 0, "stream_cut", counts_as_failure=True)
    claim = claimed(store, session_id)
    assert (claim.runs, claim.failures) == (3, 1)
    store.release(claim, 40, "stream_cut", counts_as_failure=True)

    [batch, *_] = sessions.view(session_id, SessionKind.EXAM, STUDENT).batches
    assert (batch.status, batch.last_error) == (BatchStatus.QUEUED, "stream_cut")
    assert batch.not_before is not None
    assert batch.requested_at is not None
    assert 39 < (batch.not_before - batch.requested_at).total_seconds() < 60


def test_a_failed_batch_notifies_its_readers_and_ends_the_generation(
    sessions: SessionStore, store: BatchStore, run_sql: Callable[..., Any], session_id: UUID
) -> None:
    """Defect 3: after a failure, no flag says that generation continues."""
    store.fail(claimed(store, session_id), "provider_denied")

    view = sessions.view(session_id, SessionKind.EXAM, STUDENT)
    assert (view.batches[0].status, view.batches[0].last_error) == (BatchStatus.FAILED, "provider_denied")
    assert view.generation_in_progress is False
    assert run_sql("SELECT generation_in_progress FROM exam_sessions") == [(False,)]
    [event] = run_sql("SELECT payload FROM generation.events WHERE kind = 'batch-failed'")
    assert event.payload == {"batchIndex": 0, "code": "provider_denied"}
    assert store.claim(session_id, 0, "worker", TTL_S) is None
    assert store.request(session_id, 0, Urgency.INTERACTIVE).created is True


def _everything(run_sql: Callable[..., Any]) -> list[Any]:
    tables = ("batches", "slots", "questions", "events", "plans")
    return [run_sql(f"SELECT * FROM generation.{table} ORDER BY 1, 2") for table in tables]
