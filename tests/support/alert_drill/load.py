"""Students who take exams for as long as a scene lasts, whatever they are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event

import httpx2

from tests.integration.stack.student import Student

#: What one student does until the event is set.
Habit = Callable[[str, Event], None]

_QUESTIONS, _BATCH_SIZE = 40, 5
_PRACTICE = {
    "section": "quantitative",
    "categories": ["algebra"],
    "difficulty": "medium",
    "questionCount": _QUESTIONS,
}


@contextmanager
def students(url: str, number: int, habit: Habit) -> Iterator[None]:
    leave = Event()
    with ThreadPoolExecutor(number) as load:
        for _ in range(number):
            load.submit(_sit, url, leave, habit)
        try:
            yield
        finally:
            leave.set()


def _sit(url: str, leave: Event, habit: Habit) -> None:
    while not leave.is_set():
        with suppress(AssertionError, httpx2.HTTPError, ValueError):
            habit(url, leave)
        leave.wait(0.5)


def hurried(url: str, leave: Event) -> None:
    """Asks for one batch after the other, and asks again until it is there."""
    student = Student(url)
    student.begin({"track": "scientific"}, prefer="respond-async")
    for batch_index in range(10):
        while not leave.wait(0.5):
            if student.ask(batch_index, timeout_s=2).status_code == httpx2.codes.OK:
                break


def reader(reading_s: float) -> Habit:
    """Practises: reads each batch for so long, and reports progress as the web app does."""

    def read(url: str, leave: Event) -> None:
        student = Student(url, kind="practice")
        student.begin(_PRACTICE)
        for batch_index in range(1, _QUESTIONS // _BATCH_SIZE):
            student.reach(batch_index * _BATCH_SIZE - 2)
            if leave.wait(reading_s):
                return
            student.ask(batch_index)

    return read
