"""Who waits for whom: what each end of a run means for when its batch is tried again.

A student waits for nobody else's pause: not for a provider that another could stand in for, not for the slower
of two, and not for what a prefetch before him was told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from generation.errors import (
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderMisused,
    ProviderRefused,
    ProviderResting,
    ProviderThrottled,
    ProviderUnreachable,
    StreamCut,
)
from generation.model import BatchStatus, Urgency
from tasks.contract import BatchPayload
from tasks.generate_batch import answer
from tests.support.scripted import Chain, ScriptedSource

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Exam

STUDENT, PREFETCH = Urgency.INTERACTIVE, Urgency.PREFETCH


@dataclass(frozen=True)
class Case:
    """Two providers that answer like this, and what becomes of the batch."""

    claude: ProviderError
    openrouter: ProviderError | None  #: None: it is well
    urgency: Urgency
    outcome: str
    pause_s: float = 0.0  #: 0: as soon as its own backoff allows, here at once

    def __str__(self) -> str:
        return (
            f"{self.urgency}-{self.claude.code}-{self.openrouter and self.openrouter.code}-{self.pause_s:g}"
        )


def busy(retry_after_s: float | None = None) -> ProviderError:
    return ProviderBusy(provider="any", retry_after_s=retry_after_s)


def throttled(retry_after_s: float) -> ProviderError:
    return ProviderThrottled(provider="any", retry_after_s=retry_after_s)


DEAD, RESTING, DENIED, CUT, REFUSED, MISUSED = (
    kind(provider="any")
    for kind in (
        ProviderUnreachable,
        ProviderResting,
        ProviderDenied,
        StreamCut,
        ProviderRefused,
        ProviderMisused,
    )
)
AWAY = "providers_unavailable"

CASES = [
    # One provider's trouble is no wait at all where another is well; but nobody pays twice for a prefetch
    # because our own limits are used up, and a wrong request is wrong everywhere.
    *(
        Case(error, None, urgency, "ready")
        for urgency in Urgency
        for error in (busy(60), busy(), DEAD, RESTING, DENIED, CUT, REFUSED)
    ),
    Case(throttled(40), None, STUDENT, "ready"),
    Case(throttled(40), None, PREFETCH, ProviderThrottled.code, 40),
    *(Case(MISUSED, None, urgency, MISUSED.code) for urgency in Urgency),
    # Where both are away, the one that is back first is waited for; one that names no time may be back at once.
    *(
        Case(claude, openrouter, urgency, AWAY, pause_s)
        for urgency in Urgency
        for claude, openrouter, pause_s in (
            (busy(50), busy(5), 5),
            (busy(5), busy(50), 5),
            (busy(50), DEAD, 0),
            (DEAD, busy(50), 0),
            (RESTING, busy(30), 0),
            (DENIED, DENIED, 0),
            (DEAD, DENIED, 0),
        )
    ),
    Case(throttled(40), throttled(20), STUDENT, AWAY, 20),
]


def answering(name: str, error: ProviderError | None) -> ScriptedSource:
    if error is None:
        return ScriptedSource(name=name)
    if isinstance(error, ProviderThrottled | ProviderResting):
        return ScriptedSource(name=name, refuses=error)
    return ScriptedSource([lambda _: ("", error)], name=name)


def ring(exam: Exam, batch_index: int, *sources: ScriptedSource) -> str:
    assembly = replace(exam.assembly, sources=Chain(sources))
    bell = BatchPayload(session_id=exam.id, batch_index=batch_index)
    return str(answer(assembly, bell)["outcome"])


def wanted(exam: Exam, urgency: Urgency) -> int:
    """A batch that is wanted like this; a session's first is always a student's."""
    if urgency is STUDENT:
        return 0
    assert ring(exam, 0, ScriptedSource()) == "ready"
    exam.assembly.batches.request(exam.id, 1, PREFETCH)
    return 1


def pause_s(exam: Exam, batch_index: int) -> float:
    query = text(
        "SELECT extract(epoch FROM not_before - now()) FROM generation.batches WHERE batch_index = :index"
    )
    with exam.assembly.engine.connect() as connection:
        return float(connection.execute(query, {"index": batch_index}).scalar_one())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_batch_is_tried_again_when_somebody_may_be_asked(exam: Exam, case: Case) -> None:
    index = wanted(exam, case.urgency)
    sources = answering("claude", case.claude), answering("openrouter", case.openrouter)
    assert ring(exam, index, *sources) == case.outcome
    assert case.pause_s - 2 < pause_s(exam, index) <= case.pause_s + 1


def test_a_student_who_comes_to_a_paused_prefetch_does_not_wait_out_its_pause(exam: Exam) -> None:
    index = wanted(exam, PREFETCH)
    ring(exam, index, answering("claude", throttled(40)))
    assert exam.assembly.batches.request(exam.id, index, STUDENT).created
    assert pause_s(exam, index) <= 0
    assert ring(exam, index, ScriptedSource()) == "ready"


def test_a_student_who_comes_while_a_prefetch_runs_does_not_wait_out_its_pause(exam: Exam) -> None:
    index = wanted(exam, PREFETCH)
    claude = answering("claude", busy(50))
    reply = claude.replies[0]

    def comes(specs: list[dict[str, Any]]) -> tuple[str, ProviderError | None]:
        exam.assembly.batches.request(exam.id, index, STUDENT)
        return reply(specs)

    claude.replies = [comes]
    assert ring(exam, index, claude) == AWAY
    assert pause_s(exam, index) <= 0
    assert exam.status(index) is BatchStatus.QUEUED
