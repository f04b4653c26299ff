"""What a person sees while the exam is written: a live picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Self

from runtime.money import dollars
from tools.demo.costs import Price
from tools.demo.live_screen import LiveScreen
from tools.demo.shape import BatchShape


def screen_for(shape: Sequence[BatchShape]) -> LiveScreen | PlainScreen:
    return LiveScreen(shape) if sys.stdout.isatty() else PlainScreen(shape)


class PlainScreen:
    """One line a question, one a batch."""

    def __init__(self, shape: Sequence[BatchShape]) -> None:
        self._shape = shape
        self._total = sum(batch.size for batch in shape)
        self._price = Price()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def question_arrived(self, position: int, question: dict[str, Any], at_s: float) -> None:
        about = f"{question['section']}, {question['topic']}, {question['difficulty']}"
        print(f"{at_s:7.2f} s  question {position + 1:2}/{self._total} written: {about}", flush=True)

    def batch_requested(self, index: int, at_s: float, *, ahead: bool) -> None:
        """Only what nobody waits for is worth a line: otherwise the student comes to the batch now."""
        if ahead:
            print(f"{at_s:7.2f} s  batch {index + 1} is requested ahead of the student", flush=True)

    def batch_ready(self, index: int, at_s: float) -> None:
        price = f"; {dollars(self._price.microdollars)} so far" if self._price.microdollars else ""
        print(f"{at_s:7.2f} s  batch {index + 1}/{len(self._shape)} complete{price}", flush=True)

    def student_at(self, position: int, _question: dict[str, Any]) -> None:
        batch = next((number for number, batch in enumerate(self._shape) if batch.start == position), None)
        if batch is not None:
            print(f"           the student comes to batch {batch + 1}", flush=True)

    def prices(self, by_batch: Mapping[int, Price]) -> None:
        self._price = sum(by_batch.values(), Price())
