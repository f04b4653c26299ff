"""The solver's verdicts are stored; a disputed question is replaced unless a student may already read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine

from db import requests
from db.batches import BatchStore
from db.events import EventLog
from db.ledger import CostKey, LedgerStore
from db.operator_queries import OperatorView, Quality
from db.sessions import SessionStore
from generation.errors import FenceLost
from generation.model import Claim, EventKind, Urgency
from generation.verdicts import Finding, Purpose, Verdict
from runtime.settings import PlanSettings
from tests.integration.db.exams import claimed, exam_plan, fill, make_ready, new_session, question_for
from tests.integration.db.races import while_held
from tests.support.attempts import an_attempt

AGREED, DISPUTED = Verdict
VERDICTS = "SELECT position, solver_verdict FROM generation.questions WHERE batch_index = 1 ORDER BY position"
LAPSE = "UPDATE generation.batches SET lease_until = now() - interval '1 second'"
Sql = Callable[..., Any]


@pytest.fixture
def session_id(sessions: SessionStore) -> UUID:
    return new_session(sessions, exam_plan((2, 3, 2)))


@pytest.fixture
def claim(store: BatchStore, session_id: UUID) -> Claim:
    """On a prefetched batch whose three questions, 2 to 4, are written."""
    make_ready(store, session_id, 0)
    store.request(session_id, 1, Urgency.PREFETCH)
    claim = claimed(store, session_id, 1)
    fill(store, claim)
    return claim


def of(**by_position: Verdict) -> dict[str, Finding]:
    return {
        f"fingerprint-{name.removeprefix('at_')}": Finding(verdict) for name, verdict in by_position.items()
    }


def positions(found: Any) -> list[int]:
    return [each.position for each in found]


def test_what_is_unchecked_comes_back_as_it_was_committed(store: BatchStore, claim: Claim) -> None:
    assert list(store.unchecked(claim)) == [question_for(slot) for slot in claim.open_slots]


def test_a_question_with_a_verdict_is_not_asked_about_again(store: BatchStore, claim: Claim) -> None:
    assert store.settle_verdicts(claim, of(at_2=AGREED)) == ()
    assert positions(question.slot for question in store.unchecked(claim)) == [3, 4]


def test_a_disputed_question_stays_until_another_takes_its_place(
    store: BatchStore, claim: Claim, run_sql: Sql
) -> None:
    slots = "SELECT position, state, disputes FROM generation.slots WHERE batch_index = 1 ORDER BY 1"
    [slot] = store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED))
    assert slot == claim.open_slots[1]
    assert run_sql(VERDICTS) == [(2, "agreed"), (3, "disputed"), (4, None)]
    assert run_sql(slots) == [(2, "filled", 0), (3, "filled", 0), (4, "filled", 0)]
    for _ in range(2):  # a call repeated after a lost reply is harmless
        store.accept(claim, question_for(slot, fingerprint="another"), uuid4(), "claude")
        assert run_sql(VERDICTS) == [(2, "agreed"), (3, None), (4, None)]
        assert run_sql(slots) == [(2, "filled", 0), (3, "filled", 1), (4, "filled", 0)]


def test_only_a_disputed_question_is_replaced(
    store: BatchStore, claim: Claim, session_id: UUID, run_sql: Sql
) -> None:
    """And not even that once a student has asked for the batch."""
    kept = "SELECT fingerprint FROM generation.questions WHERE batch_index = 1 ORDER BY position"
    before = run_sql(kept)
    store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED))
    for slot in (claim.open_slots[0], claim.open_slots[2]):
        store.accept(claim, question_for(slot, fingerprint="another"), uuid4(), "claude")
    store.request(session_id, 1, Urgency.INTERACTIVE)
    store.accept(claim, question_for(claim.open_slots[1], fingerprint="another"), uuid4(), "claude")
    assert run_sql(kept) == before


def test_a_settlement_whose_answer_was_lost_may_be_repeated(
    store: BatchStore, claim: Claim, run_sql: Sql
) -> None:
    first = store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED))
    assert store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED)) == first
    assert run_sql(VERDICTS) == [(2, "agreed"), (3, "disputed"), (4, None)]


def test_a_slot_is_written_again_twice_the_second_time_from_another_angle(
    store: BatchStore, claim: Claim, run_sql: Sql
) -> None:
    [slot] = store.settle_verdicts(claim, of(at_3=DISPUTED))
    assert slot == claim.open_slots[1]
    store.accept(claim, question_for(slot, fingerprint="another"), uuid4(), "claude")
    [again] = store.settle_verdicts(claim, {"another": Finding(DISPUTED)})
    assert again.subtopic != slot.subtopic
    assert (again.topic, again.question_type, again.difficulty) == (
        slot.topic,
        slot.question_type,
        slot.difficulty,
    )
    store.accept(claim, question_for(again, fingerprint="a third"), uuid4(), "claude")
    assert store.settle_verdicts(claim, {"a third": Finding(DISPUTED)}) == ()
    assert run_sql(VERDICTS) == [(2, None), (3, "disputed"), (4, None)]
    store.finish(claim)
    assert run_sql("SELECT jsonb_array_length(questions) FROM exam_sessions") == [(5,)]


def test_no_more_than_half_of_a_batch_is_written_again(store: BatchStore, claim: Claim) -> None:
    every = of(at_2=DISPUTED, at_3=DISPUTED, at_4=DISPUTED)
    first = store.settle_verdicts(claim, every)
    assert positions(first) == [2, 3]
    for slot in first:
        store.accept(claim, question_for(slot, fingerprint=f"another {slot.position}"), uuid4(), "claude")
    again = {f"another {slot.position}": Finding(DISPUTED) for slot in first}
    assert store.settle_verdicts(claim, again) == ()


def test_a_verdict_on_a_replaced_question_does_not_affect_the_new_one(
    store: BatchStore, claim: Claim, run_sql: Sql
) -> None:
    [slot] = store.settle_verdicts(claim, of(at_3=DISPUTED))
    store.accept(claim, question_for(slot, fingerprint="another"), uuid4(), "claude")
    assert store.settle_verdicts(claim, of(at_3=DISPUTED)) == ()
    assert run_sql(VERDICTS) == [(2, None), (3, None), (4, None)]


def test_a_run_that_dies_between_leaves_a_whole_batch_and_the_unchecked_to_the_next(
    store: BatchStore, claim: Claim, session_id: UUID, run_sql: Sql
) -> None:
    store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED))
    run_sql(LAPSE)
    later = claimed(store, session_id, 1)
    assert later.open_slots == ()
    assert positions(question.slot for question in store.unchecked(later)) == [4]
    store.finish(later)


def test_a_run_that_has_lost_the_batch_checks_and_settles_nothing(
    store: BatchStore, claim: Claim, session_id: UUID, run_sql: Sql
) -> None:
    run_sql(LAPSE)
    claimed(store, session_id, 1)
    assert store.unchecked(claim) == ()
    with pytest.raises(FenceLost):
        store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED))
    assert run_sql(VERDICTS) == [(2, None), (3, None), (4, None)]


def test_nothing_is_written_again_once_a_student_has_asked_for_the_batch(
    store: BatchStore, claim: Claim, session_id: UUID, run_sql: Sql
) -> None:
    store.request(session_id, 1, Urgency.INTERACTIVE)
    assert store.unchecked(claim) == ()
    assert store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED)) == ()
    assert run_sql(VERDICTS) == [(2, "agreed"), (3, "disputed"), (4, None)]


def test_a_student_at_the_question_before_the_batch_is_not_delayed_by_a_check(
    store: BatchStore, sessions: SessionStore, claim: Claim, session_id: UUID
) -> None:
    """But a question that is already disputed is replaced first."""
    store.note_progress(session_id, 0, plan=PlanSettings())
    assert len(store.unchecked(claim)) == 3
    store.note_progress(session_id, 1, plan=PlanSettings())
    assert store.unchecked(claim) == ()
    assert positions(store.settle_verdicts(claim, of(at_3=DISPUTED))) == [3]


def test_nothing_is_written_again_once_the_student_has_reached_the_batch(
    store: BatchStore, sessions: SessionStore, claim: Claim, session_id: UUID, run_sql: Sql
) -> None:
    """The student sees each question as soon as it is committed, even without a request for the batch."""
    store.note_progress(session_id, 2, plan=PlanSettings())
    assert store.unchecked(claim) == ()
    assert store.settle_verdicts(claim, of(at_3=DISPUTED)) == ()
    assert run_sql(VERDICTS) == [(2, None), (3, "disputed"), (4, None)]


def test_a_student_who_asks_at_the_same_moment_is_waited_for(
    engine: Engine, store: BatchStore, claim: Claim, session_id: UUID
) -> None:
    """The request locks the batch's row: the run that settles waits for it, and writes nothing again."""

    def ask(connection: Connection) -> None:
        requests.request(connection, session_id, 1, Urgency.INTERACTIVE, waits=True)

    with while_held(engine, ask, partial(store.settle_verdicts, claim, of(at_3=DISPUTED))) as settled:
        assert settled.result() == ()


def test_the_events_of_a_replaced_question_show_the_one_in_its_place(
    store: BatchStore, claim: Claim, log: EventLog, session_id: UUID
) -> None:
    def streamed() -> list[tuple[int, Any]]:
        events = [event for event in log.after(session_id, 0) if event.kind is EventKind.QUESTION]
        return [(event.payload["position"], event.question and event.question["stem"]) for event in events]

    [slot] = store.settle_verdicts(claim, of(at_3=DISPUTED))
    another = replace(question_for(slot, fingerprint="another"), stem="سؤال آخر")
    store.accept(claim, another, uuid4(), "claude")
    assert [stem for position, stem in streamed() if position == 3] == ["سؤال آخر"] * 2


def test_the_quality_of_a_session_is_a_set_of_counts(
    engine: Engine, store: BatchStore, claim: Claim, session_id: UUID, ledger: LedgerStore
) -> None:
    ledger.close(an_attempt(session_id=session_id, rejected=2))
    [first, _] = store.settle_verdicts(claim, of(at_2=AGREED, at_3=DISPUTED, at_4=DISPUTED))
    store.accept(claim, question_for(first, fingerprint="another"), uuid4(), "claude")
    store.settle_verdicts(claim, {"another": Finding(DISPUTED)})
    assert OperatorView(engine).quality(session_id) == Quality(
        questions=5, checked=3, agreed=1, disputed_kept=2, rewritten=1, rejected=2
    )


def test_a_solvers_questions_count_as_calls_and_cost_but_not_as_asked_questions(
    ledger: LedgerStore, session_id: UUID
) -> None:
    for purpose in Purpose:
        ledger.open(an_attempt(session_id=session_id, purpose=purpose, asked=10))
        ledger.close(an_attempt(session_id=session_id, purpose=purpose, asked=7))
    found = {cost.key: (cost.attempts, cost.asked) for cost in ledger.cost_by(CostKey.PURPOSE)}
    assert found == {"write": (2, 17), "solve": (2, 0)}


def test_a_lease_that_lapsed_but_was_not_taken_may_still_settle(
    store: BatchStore, claim: Claim, run_sql: Sql
) -> None:
    run_sql(LAPSE)
    assert store.settle_verdicts(claim, of(at_3=DISPUTED)) == (claim.open_slots[1],)
