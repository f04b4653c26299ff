"""The live picture: batches that fill up slot by slot, prefetch, cache, price, and the question the student reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from rich import get_console
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runtime.money import dollars
from tools.demo.costs import Price
from tools.demo.shape import BatchShape

#: Room for a stem of a few lines and its four choices.
_PANEL_LINES = 11
#: Below this a question does not fit, and the panel is left out.
_FEWEST_PANEL_LINES = 6
#: Lines of everything but the batches and the panel.
_OTHER_LINES = 7
_BAR_WIDTH = 48


class LiveScreen:
    """Draws eight times a second what it was told; told from any thread."""

    def __init__(self, shape: Sequence[BatchShape], console: Console | None = None) -> None:
        self._shape = shape
        self._total = sum(batch.size for batch in shape)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._arrived: set[int] = set()
        self._first_s: float | None = None
        self._requested_s: dict[int, float] = {0: 0.0}
        self._ahead: set[int] = set()
        self._ready_s: dict[int, float] = {}
        self._prices: Mapping[int, Price] = {}
        self._student_at = -1
        self._question: dict[str, Any] = {}
        self._console = console or get_console()
        self._live = Live(console=self._console, refresh_per_second=8, get_renderable=self.drawn)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def question_arrived(self, position: int, _question: dict[str, Any], at_s: float) -> None:
        with self._lock:
            self._arrived.add(position)
            if position == 0:
                self._first_s = at_s

    def batch_requested(self, index: int, at_s: float, *, ahead: bool) -> None:
        with self._lock:
            if index not in self._requested_s and ahead:
                self._ahead.add(index)
            self._requested_s.setdefault(index, at_s)

    def batch_ready(self, index: int, at_s: float) -> None:
        with self._lock:
            self._ready_s[index] = at_s

    def student_at(self, position: int, question: dict[str, Any]) -> None:
        with self._lock:
            self._student_at, self._question = position, question

    def prices(self, by_batch: Mapping[int, Price]) -> None:
        with self._lock:
            self._prices = by_batch

    def drawn(self) -> Group:
        with self._lock:
            room = self._console.height - len(self._shape) - _OTHER_LINES
            panel = [self._panel(min(room, _PANEL_LINES))] if room >= _FEWEST_PANEL_LINES else []
            return Group(self._table(), self._legend(), Text(), self._bars(), *panel)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("batch", "section", "questions", "", "price", "cache"):
            table.add_column(heading, justify="right" if heading in {"price", "cache"} else "left")
        for index, batch in enumerate(self._shape):
            price = self._prices.get(index, Price())
            table.add_row(
                str(index + 1),
                batch.section,
                self._cells(batch),
                self._state(index, batch),
                dollars(price.microdollars) if price.microdollars else "",
                _percent(price.hit_rate),
            )
        return table

    def _state(self, index: int, batch: BatchShape) -> Text:
        ahead = ", ahead" if index in self._ahead else ""
        if index in self._ready_s:
            took = self._ready_s[index] - self._requested_s.get(index, 0.0)
            return Text(f"complete in {took:.1f} s{ahead}", "green")
        written = len(self._arrived.intersection(range(batch.start, batch.start + batch.size)))
        if written:
            return Text(f"{written} of {batch.size} written{ahead}", "cyan")
        return Text(f"requested{ahead}" if index in self._requested_s else "", "cyan")

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

    @staticmethod
    def _legend() -> Text:
        return Text.assemble(
            ("◉", "bold yellow"), " the student  ", ("●", "green"), " written  ", ("○", "dim"), " open"
        )

    def _bars(self) -> Table:
        whole = sum(self._prices.values(), Price())
        first = "" if self._first_s is None else f"first question after {self._first_s:.1f} s"
        cached = f", cache hit rate {_percent(whole.hit_rate)}" if whole.hit_rate is not None else ""
        bars = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        bars.add_row(
            "written", self._bar(len(self._arrived), "green"), f"{len(self._arrived)}/{self._total}", first
        )
        bars.add_row(
            "student",
            self._bar(self._student_at + 1, "yellow"),
            f"{self._student_at + 1}/{self._total}",
            f"{time.monotonic() - self._began:.0f} s, {dollars(whole.microdollars)}{cached}",
        )
        return bars

    def _bar(self, done: int, colour: str) -> RenderableType:
        return ProgressBar(
            self._total, done, width=_BAR_WIDTH, complete_style=colour, finished_style=f"bold {colour}"
        )

    def _panel(self, lines: int) -> Panel:
        question = self._question
        if not question:
            return Panel("The first question is being written...", height=lines)
        choices = "\n".join(
            f"{letter}) {choice}" for letter, choice in zip("أبجد", question["choices"], strict=True)
        )
        title = f"question {self._student_at + 1}: {question['topic']}, {question['difficulty']}"
        return Panel(Text(f"{question['stem']}\n\n{choices}", justify="right"), title=title, height=lines)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
