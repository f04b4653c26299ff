from __future__ import annotations

from uuid import uuid4

import structlog

from generation.model import QuestionType, Section, Urgency
from generation.run_events import QuestionAccepted, RunEnded, RunStarted
from worker.progress import Progress

SESSION = uuid4()
STARTED = RunStarted(SESSION, 0, 1, Section.QUANTITATIVE, Urgency.INTERACTIVE, open_slots=10)
ACCEPTED = QuestionAccepted(SESSION, 0, 3, QuestionType.MCQ, "claude", since_run_start_ms=900)
ENDED = RunEnded(
    SESSION,
    0,
    1,
    Urgency.INTERACTIVE,
    "ready",
    accepted=2,
    attempts=1,
    first_question_ms=900,
    duration_ms=1000,
)


def reported(progress: Progress) -> list[tuple[str, str, str]]:
    sent: list[tuple[str, str, str]] = []
    progress.send_changes(lambda *event: sent.append(event))
    return sent


def test_flower_is_told_how_many_questions_a_running_batch_has_and_only_when_that_changes() -> None:
    progress = Progress()
    with structlog.contextvars.bound_contextvars(task_id="t1"):
        progress.notice(STARTED)
        assert reported(progress) == [("task-progress", "t1", "0 of 10 questions")]
        progress.notice(ACCEPTED)
        progress.notice(ACCEPTED)
        assert reported(progress) == [("task-progress", "t1", "2 of 10 questions")]
        assert reported(progress) == []
        progress.notice(ENDED)
    assert reported(progress) == []


def test_a_run_outside_a_task_is_told_to_nobody() -> None:
    progress = Progress()
    progress.notice(STARTED)
    progress.notice(ACCEPTED)
    assert reported(progress) == []
