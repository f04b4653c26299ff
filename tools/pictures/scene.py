"""What the pictures show: exams under way on a real stack, one of which loses its worker in mid-stream."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

from tools.demo.costs import CostWatch
from tools.demo.pace import MODELS_OWN, set_speed
from tools.demo.shape import BatchShape, exam_shape
from tools.demo.student import Student
from tools.pictures.terminal import RecordedScreen
from tools.stack.stack import MADE_UP_STUDENTS, Stack, StackOptions
from tools.stack.stack_settings import StackSettings

#: The batch whose worker is killed is written so slowly that there is time to find it.
_SLOW: Final = 0.5
_FAST: Final = 20.0
#: When the picture of the terminal is taken: most of the exam is written, and a batch is under way.
_PICTURED_AT: Final = 66
_WITHIN_S: Final = 90
_LOOK_AGAIN_S: Final = 0.2
_PACES_S: Final = (0.8, 1.1, 1.5)


class _Nobody:
    """Watches no one."""

    def question_arrived(self, position: int, question: dict[str, Any], at_s: float, /) -> None: ...

    def batch_requested(self, index: int, at_s: float, /, *, ahead: bool) -> None: ...

    def batch_ready(self, index: int, at_s: float, /) -> None: ...

    def student_at(self, position: int, question: dict[str, Any], /) -> None: ...


class _Sitter(RecordedScreen):
    """Keeps the picture of the moment when the student comes to one question."""

    kept = ""

    def student_at(self, position: int, question: dict[str, Any]) -> None:
        super().student_at(position, question)
        if position == _PICTURED_AT:
            self.kept = self.picture()


@contextmanager
def running_stack(directory: Path) -> Iterator[Stack]:
    """A stack of its own on free ports, with Flower."""
    settings = StackSettings(speed=_FAST, database_url=None, redis_url=None, anthropic_api_key=None)
    options = StackOptions(
        directory=directory, keep_data=False, free_ports=True, flower=True, environment=MADE_UP_STUDENTS
    )
    with Stack(settings, options) as stack:
        yield stack


def take_exams(stack: Stack) -> str:
    """Three whole exams at once; the picture of the terminal of one of them as SVG."""
    shape = exam_shape("scientific", 10)
    screen = _Sitter(shape)
    others = [
        threading.Thread(target=_take, args=(Student(stack.api_url, _Nobody(), pace_s=pace_s), track))
        for pace_s, track in zip(_PACES_S[1:], ("literary", "scientific"), strict=True)
    ]
    for student in others:
        student.start()
    seen = Student(stack.api_url, screen, pace_s=_PACES_S[0])
    with CostWatch(stack.environment["DATABASE_URL"], lambda: seen.exam_session.session_id, screen.prices):
        seen.take_exam("scientific", shape)
    for student in others:
        student.join()
    return screen.kept


def lose_a_worker(stack: Stack) -> str:
    """The id of an exam whose first batch was taken over from a killed worker."""
    set_speed(stack.simulator_url, _SLOW)
    student = Student(stack.api_url, _Nobody(), pace_s=0.2)
    taken = threading.Thread(target=_take, args=(student, "scientific", exam_shape("scientific", 10)[:2]))
    taken.start()
    _until(lambda: len(student.exam_session.questions) >= 3)  # noqa: PLR2004 -- some, and not all
    timeline = f"{stack.api_url}/ops/sessions/{student.exam_session.session_id}"
    written_by = re.search(r"written now by process (\d+)", httpx2.get(timeline).text)
    names = [name for name, child in stack.children.items() if written_by and child.pid == int(written_by[1])]
    for name in names:
        stack.children[name].stop(grace_s=0)
        stack.restart(name)
    set_speed(stack.simulator_url, MODELS_OWN)
    taken.join()
    return student.exam_session.session_id


def _take(student: Student, track: str, shape: tuple[BatchShape, ...] = ()) -> None:
    student.take_exam(track, shape or exam_shape(track, 10))


def _until(condition: Any) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)
