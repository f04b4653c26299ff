"""What every chart has in common: heading, labels, values, and the quantities that questions ask for."""

from __future__ import annotations

import statistics
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, Final

from pydantic import Field

from generation.figures.canvas import QUIET, WIDTH, Canvas
from generation.figures.pattern import Pattern, need
from generation.figures.quantity import Quantity, number
from generation.figures.reasons import Reason
from generation.figures.text import text_size
from generation.normalization import normalize
from generation.value import exact, number_text, rational

_WORDS: Final = r"^[\w .،:٪%()/\-–]+$"
Heading = Annotated[str, Field(min_length=2, max_length=60, pattern=_WORDS)]
Title = Annotated[str, Field(max_length=25, pattern=r"^[\w .،:٪%()/\-–]*$")]
ChartLabel = Annotated[str, Field(min_length=1, max_length=14, pattern=_WORDS)]
Labels = Annotated[tuple[ChartLabel, ...], Field(min_length=2, max_length=8, strict=False)]
Amount = Annotated[int | float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Amounts = Annotated[tuple[Amount, ...], Field(min_length=2, max_length=8, strict=False)]

HEADING_SIZE: Final = 16
LABEL_SIZE: Final = 13
_LINE_PX: Final = 22
_SIDE_PX: Final = 12  #: free at both sides of a line of text


class Chart(Pattern):
    """`heading`: the title above; `labels`: what the values belong to; `of`: what is counted; `by`: what the labels are."""

    heading: Heading
    labels: Labels
    of: Title = ""
    by: Title = ""

    @abstractmethod
    def columns(self) -> Sequence[Sequence[float]]:
        """The values of each series, in the order of the labels."""

    def quantities(self) -> Mapping[str, Quantity]:
        """Each value by its place (`value_2`), and what is computed from the values of the only series."""
        need(
            len(set(map(normalize, self.labels))) == len(self.labels), Reason.WRONG_LABELS, "two equal labels"
        )
        columns = self.columns()
        need(all(len(values) == len(self.labels) for values in columns), Reason.WRONG_LABELS, "not as many")
        need(any(value > 0 for values in columns for value in values), Reason.SHOWS_NOTHING)
        if len(columns) == 1:
            return _measures([rational(value) for value in columns[0]])
        found = {"total": number(exact(sum(rational(value) for values in columns for value in values)))}
        for place, values in enumerate(columns, start=1):
            found |= {f"{name}_of_{place}": one for name, one in _measures([*map(rational, values)]).items()}
        return found

    def problems(self) -> list[Reason]:
        found = super().problems()
        if self.hide or (self.asked_places() and not self.may_ask_values()):
            found.append(Reason.SHOWS_THE_ANSWER)
        return found

    def asked_places(self) -> set[int]:
        """The places of the values that are asked for, from 0."""
        return {int(name.removeprefix("value_")) - 1 for name in self.ask if name.startswith("value_")}

    def may_ask_values(self) -> bool:
        """Whether a value can be asked for: where it is drawn to scale, the student reads it off."""
        return False

    def shows_nothing(self) -> bool:
        return False

    def value_text(self, place: int, value: float) -> str:
        """A value as it is written, or the symbol of an asked one."""
        return self.symbol if place in self.asked_places() else number_text(rational(value))

    def sentence(self) -> str:
        return f"{self.title}: {self.heading}"

    def measure_texts(self) -> list[str]:
        texts = [
            f"{label} {self.value_text(place, value)}"
            for place, (label, value) in enumerate(zip(self.labels, self.columns()[0], strict=True))
        ]
        return [*texts, *([f"العدد يمثل {self.of}"] if self.of else [])]

    def shown_data(self) -> dict[str, Any]:
        """Everything but the asked values, which are null."""
        data: dict[str, Any] = {"heading": self.heading, "labels": list(self.labels), **self._shown_values()}
        return data | {name: text for name, text in (("of", self.of), ("by", self.by)) if text}

    def _shown_values(self) -> dict[str, Any]:
        values = self.columns()[0]
        return {
            "values": [None if place in self.asked_places() else value for place, value in enumerate(values)]
        }

    def chart_js(self, kind: str, labels: list[str]) -> dict[str, Any] | None:
        """Fields for the web app's charts, which write no numbers: the labels carry them."""
        if self.asked_places():
            return None
        data: dict[str, Any] = {"title": self.heading, "labels": labels, "values": list(self.columns()[0])}
        data |= {name: text for name, text in (("xAxisLabel", self.by), ("yAxisLabel", self.of)) if text}
        return {"type": kind, "renderHint": "Chart.js", "data": data}

    def numbered_labels(self) -> list[str]:
        values = self.columns()[0]
        return [
            f"{label} ({number_text(rational(value))})"
            for label, value in zip(self.labels, values, strict=True)
        ]


class OneSeriesChart(Chart):
    """One value for each label."""

    values: Amounts

    def columns(self) -> Sequence[Sequence[float]]:
        return (self.values,)


class SeriesChart(Chart):
    """Two or three values for each label; `series`: the name and the values of each."""

    series: dict[Title, Amounts] = Field(min_length=2, max_length=3)

    def columns(self) -> Sequence[Sequence[float]]:
        return tuple(self.series.values())

    def measure_texts(self) -> list[str]:
        return [f"{name}: {self._listed(values)}" for name, values in self.series.items()]

    def _listed(self, values: Sequence[float]) -> str:
        pairs = zip(self.labels, values, strict=True)
        return " و".join(f"{label} {number_text(rational(value))}" for label, value in pairs)

    def _shown_values(self) -> dict[str, Any]:
        return {"series": {name: list(values) for name, values in self.series.items()}}


def _measures(values: Sequence[Fraction]) -> dict[str, Quantity]:
    total = sum(values, Fraction(0))
    found = {f"value_{place}": number(exact(value)) for place, value in enumerate(values, start=1)}
    return found | {
        "total": number(exact(total)),
        "mean": number(exact(total / len(values))),
        "median": number(exact(statistics.median(values))),
        "maximum": number(exact(max(values))),
        "minimum": number(exact(min(values))),
        "range": number(exact(max(values) - min(values))),
    }


def head_height(chart: Chart) -> float:
    """How much room the heading takes, in px."""
    return 14 + _LINE_PX * len(lines(chart.heading))


def draw_heading(chart: Chart, canvas: Canvas) -> None:
    for row, line in enumerate(lines(chart.heading)):
        canvas.text(line, complex(WIDTH / 2, 20 + row * _LINE_PX), size=HEADING_SIZE, bold=True)


def lines(text: str) -> list[str]:
    """The text in one line, or broken into two of about the same width."""
    room = WIDTH - 2 * _SIDE_PX
    if text_size(text, HEADING_SIZE)[0] <= room:
        return [text]
    words = text.split(" ")
    widest = {cut: _widest(words, cut) for cut in range(1, len(words))}
    need(widest and min(widest.values()) <= room, Reason.WRONG_LABELS, "the heading is too long")
    cut = min(widest, key=widest.__getitem__)
    return [" ".join(words[:cut]), " ".join(words[cut:])]


def _widest(words: list[str], cut: int) -> float:
    return max(text_size(" ".join(part), HEADING_SIZE)[0] for part in (words[:cut], words[cut:]))


def need_room(canvas: Canvas) -> None:
    """Raise FigureRejected if a text leaves the card or lies on another one."""
    boxes = [placed.box for placed in canvas.texts]
    need(all(box.within(canvas.bounds) for box in boxes), Reason.UNREADABLE, "a text has no room")
    for index, box in enumerate(boxes):
        need(not any(box.overlaps(other) for other in boxes[index + 1 :]), Reason.UNREADABLE, "texts overlap")


def quiet_text(canvas: Canvas, text: str, at: complex, **placing: Any) -> None:
    canvas.text(text, at, size=LABEL_SIZE, color=QUIET, **placing)
