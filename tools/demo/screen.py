"""What a person sees while the exam is written: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tools.demo.shape import BatchShape

#: Room for a stem of a few lines and its four choices.
_PANEL_LINES = 12


def screen_for(shape: Sequence[BatchShape]) -> LiveScreen | PlainScreen:
    return LiveScreen(shape) if sys.stdout.isatty() else PlainScreen(shape)


class PlainScreen:
    """One line a question, one a batch."""

    def __init__(self, shape: Sequence[BatchShape]) -> None:
        self._shape = shape
        self._total = sum(batch.size for batch in shape)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def question_arrived(self, position: int, question: dict[str, Any], at_s: float) -> None:
        about = f"{question['section']}, {question['topic']}, {question['difficulty']}"
        print(f"{at_s:7.2f} s  question {position + 1:2}/{self._total} written: {about}", flush=True)

    def batch_ready(self, index: int, at_s: float) -> None:
        print(f"{at_s:7.2f} s  batch {index + 1}/{len(self._shape)} complete", flush=True)

    def student_at(self, position: int, _question: dict[str, Any]) -> None:
        batch = next((number for number, batch in enumerate(self._shape) if batch.start == position), None)
        if batch is not None:
            print(f"           the student comes to batch {batch + 1}", flush=True)


class LiveScreen:
    """A row a batch that fills up, and the question the student looks at."""

    def __init__(self, shape: Sequence[BatchShape], console: Console | None = None) -> None:
        self._shape = shape
        self._lock = threading.Lock()
        self._arrived: set[int] = set()
        self._ready_s: dict[int, float] = {}
        self._student_at = -1
        self._question: dict[str, Any] = {}
        self._live = Live(console=console, refresh_per_second=8, get_renderable=self._drawn)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def question_arrived(self, position: int, _question: dict[str, Any], _at_s: float) -> None:
        with self._lock:
            self._arrived.add(position)

    def batch_ready(self, index: int, at_s: float) -> None:
        with self._lock:
            self._ready_s[index] = at_s

    def student_at(self, position: int, question: dict[str, Any]) -> None:
        with self._lock:
            self._student_at, self._question = position, question

    def _drawn(self) -> Group:
        with self._lock:
            return Group(self._table(), self._panel())

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2))
        for heading in ("batch", "section", "questions", "complete"):
            table.add_column(heading)
        for index, batch in enumerate(self._shape):
            complete = f"{self._ready_s[index]:.1f} s" if index in self._ready_s else ""
            table.add_row(str(index + 1), batch.section, self._cells(batch), complete)
        return table

    def _cells(self, batch: BatchShape) -> Text:
        cells = Text()
        for position in range(batch.start, batch.start + batch.size):
            cells.append(*self._cell(position))
        return cells

    def _cell(self, position: int) -> tuple[str, str]:
        if position == self._student_at:
            return "◉", "bold yellow"
        if position in self._arrived:
            return "●", "green" if position > self._student_at else "dim green"
        return "○", "dim"

    def _panel(self) -> Panel:
        question = self._question
        if not question:
            return Panel("The first question is being written...", height=_PANEL_LINES)
        choices = "\n".join(
            f"  {letter}) {choice}" for letter, choice in zip("أبجد", question["choices"], strict=True)
        )
        title = f"question {self._student_at + 1}: {question['topic']}, {question['difficulty']}"
        return Panel(Text(f"{question['stem']}\n\n{choices}"), title=title, height=_PANEL_LINES)
