"""What a run does when the store, the lock or the shutdown comes in between, on real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from db.errors import DatabaseStruggling, DatabaseUnreachable
from generation.cancellation import StopReason
from generation.model import BatchStatus
from tasks.contract import BatchPayload
from tasks.generate_batch import answer
from tests.support.scripted import ScriptedProvider
from worker import runner, store_retry

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Exam, Messages

KEPT = "SELECT count(*) FROM generation.questions"


def enqueue(exam: Exam) -> dict[str, Any]:
    return answer(exam.assembly, BatchPayload(session_id=exam.id, batch_index=0))


def execute(exam: Exam, statement: str) -> Any:
    with exam.assembly.engine.begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_retry, "_LOOK_AGAIN_S", 0.01)


def test_every_connection_broken_in_mid_batch_costs_no_finished_question(
    exam: Exam, provider: ScriptedProvider
) -> None:
    """As when Postgres restarts: all of this database's connections end at once, again and again."""

    def break_all(number: int) -> None:
        if number % 20 == 0:
            execute(
                exam,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )

    provider.during = break_all
    assert enqueue(exam) == {"outcome": "ready", "accepted": 10}
    assert len(provider.prompts) == 1, "nothing was paid for twice"
    assert execute(exam, KEPT) == 10


def refuse(exam: Exam, sqlstate: str, *, times: int, table: str = "questions") -> None:
    """So many inserts fail with this SQLSTATE, as the server itself would say it; a sequence counts them."""
    execute(exam, "CREATE SEQUENCE generation.refusals")
    execute(
        exam,
        "CREATE FUNCTION generation.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('generation.refusals') > {times} THEN RETURN NEW; END IF; "
        f"RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}'; END $$",
    )
    execute(
        exam,
        f"CREATE TRIGGER refuse BEFORE INSERT ON generation.{table} "
        "FOR EACH ROW EXECUTE FUNCTION generation.refuse()",
    )


@pytest.mark.parametrize(
    ("sqlstate", "what"),
    [
        ("53100", "the disk is full"),
        ("53300", "no connection is free"),
        ("40P01", "a deadlock"),
        ("25006", "a standby after a failover"),
        ("57014", "a statement that took too long"),
    ],
)
def test_a_store_that_struggles_for_a_while_costs_no_question(
    exam: Exam, provider: ScriptedProvider, sqlstate: str, what: str
) -> None:
    refuse(exam, sqlstate, times=3)
    assert enqueue(exam) == {"outcome": "ready", "accepted": 10}, what
    assert len(provider.prompts) == 1, "nothing was paid for twice"
    assert execute(exam, KEPT) == 10


def test_a_store_that_stays_away_is_not_the_fault_of_the_batch(
    exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "StoreRetry", lambda _longest_s, stop: store_retry.StoreRetry(0.0, stop))
    refuse(exam, "53100", times=1000)
    assert enqueue(exam)["outcome"] == "store_away"
    assert exam.status() is BatchStatus.QUEUED
    assert execute(exam, "SELECT failures FROM generation.batches") == 0


def test_a_message_without_postgres_is_answered_and_not_an_error(
    exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise DatabaseUnreachable

    monkeypatch.setattr(runner, "CLAIM_TIMEOUT_S", 0.0)
    monkeypatch.setattr(type(exam.assembly.batches), "claim", away)
    assert enqueue(exam) == {"outcome": "store_away"}


def test_a_lapsed_trust_with_nobody_else_there_hands_the_batch_on_at_once(
    exam: Exam, provider: ScriptedProvider, messages: Messages
) -> None:
    """Postgres was away for longer than a lease: the run stops, and the batch need not wait for the sweep."""

    def lose_trust(_: int) -> None:
        if execute(exam, KEPT) == 2:
            for held in exam.assembly.leases._snapshot():
                held.stop.set(StopReason.LEASE_LOST)

    provider.during = lose_trust
    assert enqueue(exam) == {"outcome": "lease_lost", "accepted": 2}
    assert exam.status() is BatchStatus.QUEUED
    assert len(messages.enqueued) == 1


def test_a_run_that_was_replaced_hands_nothing_on(
    exam: Exam, provider: ScriptedProvider, messages: Messages
) -> None:
    def take_over(_: int) -> None:
        if execute(exam, KEPT) == 2:
            execute(exam, "UPDATE generation.batches SET epoch = epoch + 1")

    provider.during = take_over
    assert enqueue(exam)["outcome"] in {"fence_lost", "lease_lost"}
    assert exam.status() is BatchStatus.RUNNING
    assert execute(exam, KEPT) == 2
    assert messages.enqueued == []


def test_a_message_that_finds_the_lock_taken_lets_the_sweep_enqueue_again(exam: Exam) -> None:
    with exam.assembly.lock.taken(exam.id, 0):
        assert enqueue(exam) == {"outcome": "held_elsewhere"}
    assert [due.batch_index for due in exam.assembly.batches.sweep(60, 10)] == [0]


def test_asked_to_end_in_the_middle_of_a_question_a_run_keeps_that_question(
    exam: Exam, provider: ScriptedProvider
) -> None:
    """Cut in the middle, the question would be paid for and written again."""
    seen: list[str] = []

    def ask_in_the_middle(number: int) -> None:
        if number == 3:  # a few hundred characters into the first object
            exam.assembly.leases.release_all()
            for held in exam.assembly.leases._snapshot():
                held.stop.ask(StopReason.SHUTDOWN)
            seen.append("asked")

    provider.during = ask_in_the_middle
    assert execute(exam, KEPT) == 0
    leases = exam.assembly.leases
    leases._grace_s = 60
    assert enqueue(exam) == {"outcome": "shutdown", "accepted": 1}
    assert seen == ["asked"]
    assert execute(exam, KEPT) == 1
    assert exam.status() is BatchStatus.QUEUED


def test_what_no_row_can_hold_leaves_its_slot_open_and_the_run_goes_on(
    exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    from db.errors import QuestionUnstorable

    store = type(exam.assembly.batches)
    accept = store.accept
    refused: list[int] = []

    def refuse_the_first(self: Any, claim: Any, question: Any, *rest: Any) -> None:
        if not refused:
            refused.append(question.slot.position)
            raise QuestionUnstorable(position=question.slot.position)
        accept(self, claim, question, *rest)

    monkeypatch.setattr(store, "accept", refuse_the_first)
    # The script writes the refused question again and again, and a repeat is not accepted either.
    assert enqueue(exam) == {"outcome": "slots_left_open", "accepted": 9}
    assert execute(exam, KEPT) == 9


def test_a_struggling_store_is_told_apart_without_quoting_what_was_written(exam: Exam) -> None:
    refuse(exam, "53100", times=1, table="attempts")
    with pytest.raises(DatabaseStruggling) as caught:
        execute(exam, "INSERT INTO generation.attempts (id) VALUES (gen_random_uuid())")
    assert "refused" not in str(caught.value)
