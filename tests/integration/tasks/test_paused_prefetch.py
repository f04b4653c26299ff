"""A student who comes to a prefetch waits for nothing that the prefetch was told to wait for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from generation.errors import ProviderBusy, ProviderError, ProviderThrottled
from generation.model import BatchStatus, Urgency
from generation.run_batch import PROVIDERS_UNAVAILABLE
from tasks.contract import BatchPayload
from tasks.generate_batch import answer
from tests.support.scripted import ScriptedFallback, ScriptedProvider

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Exam


def enqueue(exam: Exam, batch_index: int, *providers: ScriptedProvider) -> str:
    assembly = replace(exam.assembly, providers=ScriptedFallback(providers))
    message = BatchPayload(session_id=exam.id, batch_index=batch_index)
    return str(answer(assembly, message)["outcome"])


def prefetched(exam: Exam) -> int:
    """The index of a batch that is wanted, and that nobody waits for yet."""
    assert enqueue(exam, 0, ScriptedProvider()) == "ready"
    exam.assembly.batches.request(exam.id, 1, Urgency.PREFETCH)
    return 1


def pause_s(exam: Exam, batch_index: int) -> float:
    query = text(
        "SELECT extract(epoch FROM not_before - now()) FROM generation.batches WHERE batch_index = :index"
    )
    with exam.assembly.engine.connect() as connection:
        return float(connection.execute(query, {"index": batch_index}).scalar_one())


def test_a_student_who_comes_to_a_paused_prefetch_does_not_wait_out_its_pause(exam: Exam) -> None:
    index = prefetched(exam)
    throttled = ProviderThrottled(provider="claude", retry_after_s=40)
    assert enqueue(exam, index, ScriptedProvider(refuses=throttled)) == throttled.code
    assert pause_s(exam, index) > 30
    assert exam.assembly.batches.request(exam.id, index, Urgency.INTERACTIVE).created
    assert pause_s(exam, index) <= 0
    assert enqueue(exam, index, ScriptedProvider()) == "ready"


def test_a_student_who_comes_while_a_prefetch_runs_does_not_wait_out_its_pause(exam: Exam) -> None:
    index = prefetched(exam)

    def comes(_: list[dict[str, Any]]) -> tuple[str, ProviderError]:
        exam.assembly.batches.request(exam.id, index, Urgency.INTERACTIVE)
        return "", ProviderBusy(provider="claude", retry_after_s=50)

    assert enqueue(exam, index, ScriptedProvider([comes])) == PROVIDERS_UNAVAILABLE
    assert pause_s(exam, index) <= 0
    assert exam.status(index) is BatchStatus.QUEUED
