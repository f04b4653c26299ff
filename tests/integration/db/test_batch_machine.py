"""Any order of claims, writes, lapses, sweeps, requests and cancels, against a model in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers, sampled_from
from sqlalchemy import Engine, text

from db.batches import BatchStore
from db.errors import BatchIncomplete
from db.events import EventLog
from db.leases import Lease
from db.sessions import SessionStore
from generation.errors import BatchNotNext, FenceLost, SessionClosed
from generation.model import BatchStatus, Claim, EventKind, SessionKind, Urgency
from tests.integration.db.exams import STUDENT, exam_plan, new_session, question_for

QUEUED, RUNNING, READY, FAILED = BatchStatus
SIZES = (2, 2, 1)
INDEXES = integers(0, len(SIZES) - 1)

#: A lease lapses only by the rule `lapse`: even on a slow machine, no sequence takes this long.
TTL_S = 24 * 3600.0


@dataclass
class Batch:
    """The expected state of a batch."""

    size: int
    status: BatchStatus | None = None
    epoch: int = 0
    lapsed: bool = False
    filled: set[int] = field(default_factory=set)

    def owned_by(self, claim: Claim) -> bool:
        return self.status is RUNNING and self.epoch == claim.epoch


class BatchMachine(RuleBasedStateMachine):
    claims = Bundle("claims")
    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.store, self.sessions = BatchStore(self.engine), SessionStore(self.engine)
        self.log = EventLog(self.engine)
        self.batches = [Batch(size) for size in SIZES]
        self.closed = False

    @initialize()
    def create(self) -> None:
        self.session_id = new_session(self.sessions, exam_plan(SIZES))
        self.batches[0].status = QUEUED

    @property
    def published(self) -> int:
        statuses = [batch.status for batch in self.batches]
        return next((n for n, status in enumerate(statuses) if status is not READY), len(statuses))

    @rule(target=claims, index=INDEXES)
    def claim(self, index: int) -> Any:
        batch = self.batches[index]
        claim = self.store.claim(self.session_id, index, "worker", TTL_S)
        free = batch.status is QUEUED or (batch.status is RUNNING and batch.lapsed)
        assert (claim is not None) == (free and not self.closed)
        if claim is None:
            return multiple()
        batch.status, batch.epoch, batch.lapsed = RUNNING, batch.epoch + 1, False
        assert claim.epoch == batch.epoch
        assert {slot.sequence for slot in claim.open_slots} == set(range(1, batch.size + 1)) - batch.filled
        return claim

    @rule(claim=claims, nth=integers(0, 1))
    def accept(self, claim: Claim, nth: int) -> None:
        slot = claim.open_slots[nth % len(claim.open_slots)] if claim.open_slots else None
        if slot is None:
            return
        if self.fenced(claim, lambda: self.store.accept(claim, question_for(slot), uuid4(), "claude")):
            self.batches[claim.batch.index].filled.add(slot.sequence)

    @rule(claim=claims)
    def finish(self, claim: Claim) -> None:
        batch = self.batches[claim.batch.index]
        if batch.owned_by(claim) and len(batch.filled) < batch.size:
            with pytest.raises(BatchIncomplete):
                self.store.finish(claim)
        elif self.fenced(claim, lambda: self.store.finish(claim)):
            batch.status = READY

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        if self.fenced(claim, lambda: self.store.release(claim, 0, "cut", counts_as_failure=True)):
            self.batches[claim.batch.index].status = QUEUED

    @rule(claim=claims)
    def fail(self, claim: Claim) -> None:
        if self.fenced(claim, lambda: self.store.fail(claim, "refused")):
            self.batches[claim.batch.index].status = FAILED

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        batch = self.batches[claim.batch.index]
        held = Lease.of(claim)
        assert self.store.renew([held], TTL_S).renewed == ({held} if batch.owned_by(claim) else set())
        if batch.owned_by(claim):
            batch.lapsed = False

    @rule(index=INDEXES)
    def lapse(self, index: int) -> None:
        statement = text(
            "UPDATE generation.batches SET lease_until = now() - interval '1 second'"
            " WHERE session_id = :id AND batch_index = :index AND status = 'running'"
        )
        with self.engine.begin() as connection:
            connection.execute(statement, {"id": self.session_id, "index": index})
        self.batches[index].lapsed = True

    @rule()
    def sweep(self) -> None:
        enqueued = {due.batch_index for due in self.store.sweep(0, 1000) if due.session_id == self.session_id}
        for index, batch in enumerate(self.batches):
            if batch.status is RUNNING and batch.lapsed:
                batch.status, batch.lapsed = QUEUED, False
            assert (index in enqueued) == (batch.status is QUEUED)

    @rule(index=INDEXES, urgency=sampled_from(Urgency))
    def request(self, index: int, urgency: Urgency) -> None:
        batch = self.batches[index]
        ahead = 1 if urgency is Urgency.PREFETCH else 0
        if batch.status is READY:
            assert self.store.request(self.session_id, index, urgency).status is READY
        elif self.closed:
            with pytest.raises(SessionClosed):
                self.store.request(self.session_id, index, urgency)
        elif index > self.published + ahead:
            with pytest.raises(BatchNotNext):
                self.store.request(self.session_id, index, urgency)
        else:
            if batch.status is None or (batch.status is FAILED and urgency is Urgency.INTERACTIVE):
                batch.status = QUEUED
            assert self.store.request(self.session_id, index, urgency).status is batch.status

    @rule(really=integers(0, 9))
    def cancel(self, really: int) -> None:
        if really or self.closed:  # rarely, because everything after it is rejected
            return
        self.sessions.cancel(self.session_id)
        self.closed = True
        for batch in self.batches:
            if batch.status not in {None, READY}:
                batch.status, batch.epoch = FAILED, batch.epoch + 1

    @invariant()
    def the_rows_are_as_they_should_be(self) -> None:
        view = self.sessions.view(self.session_id, SessionKind.EXAM, STUDENT)
        assert [batch.status for batch in view.batches] == [batch.status for batch in self.batches]
        assert view.generated_batches == self.published
        assert [question["id"] for question in view.questions] == [
            f"quant_{index}_{sequence:02d}"
            for index, batch in enumerate(self.batches)
            for sequence in sorted(batch.filled)
        ]
        assert view.generation_in_progress == self.flag() == self.unfinished()

    def flag(self) -> bool:
        query = text(
            "SELECT generation_in_progress, jsonb_array_length(questions) FROM exam_sessions WHERE id = :id"
        )
        with self.engine.connect() as connection:
            flag, published = connection.execute(query, {"id": self.session_id}).one()
        assert published == sum(SIZES[: self.published])
        return bool(flag)

    def unfinished(self) -> bool:
        return any(batch.status in {QUEUED, RUNNING} for batch in self.batches)

    def teardown(self) -> None:
        events = self.log.after(self.session_id, 0, limit=1000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        positions = [event.payload["position"] for event in events if event.kind is EventKind.QUESTION]
        assert len(positions) == len(set(positions)) == sum(len(batch.filled) for batch in self.batches)

    def fenced(self, claim: Claim, write: Callable[[], object]) -> bool:
        """Whether the write succeeded, which must be true exactly when the claim's epoch is current."""
        try:
            write()
        except FenceLost:
            assert not self.batches[claim.batch.index].owned_by(claim)
            return False
        assert self.batches[claim.batch.index].owned_by(claim)
        return True


@pytest.mark.parametrize("part", range(5))
def test_no_sequence_of_operations_breaks_a_batch(engine: Engine, part: int) -> None:
    """In parts, so that each stays well within the timeout of one test, even on a busy machine."""
    machine = type("BatchMachineOnThisDatabase", (BatchMachine,), {"engine": engine})
    run_state_machine_as_test(
        seed(part)(machine),
        settings=settings(
            max_examples=6,  # one more than a fifth of 25: each part begins with the same shortest order
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # a failure prints its steps; shortening them would take minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
