"""What every pattern of the catalogue has in common.

A pattern is a model of its parameters that knows its quantities, its drawing and its caption. A figure shows what
is given and neither asked for nor hidden; code finds all coordinates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from generation.figures.canvas import Canvas
from generation.figures.quantity import Quantity, Unit
from generation.figures.reasons import FigureRejected, Reason

_Name = Annotated[str, Field(min_length=1, max_length=30, pattern=r"^[a-z][a-z0-9_]*$")]
Names = Annotated[tuple[_Name, ...], Field(max_length=8, strict=False)]
PointNames = Annotated[str, Field(max_length=12, pattern="^[ء-غف-ي]*$")]  #: one Arabic letter for each point


class Pattern(BaseModel, ABC):
    """One figure. Strict: a wrong type, bound or name is a ValidationError, which names no input.

    A subclass gives the values of `pattern`, `title` and `corners`, its parameters as fields that are None where
    they are optional, and the four methods. Geometry that cannot be is a FigureRejected from `quantities`.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    title: ClassVar[str]  #: its Arabic name
    corners: ClassVar[str] = (
        ""  #: a default letter for each point that can be named, in the order of `points`
    )
    is_always_lettered: ClassVar = False  #: without `points` the default letters are drawn

    pattern: str
    unit: Unit = ""
    points: PointNames = ""  #: the letters to draw; none: no letters
    ask: Names = ()  #: quantities that the question asks for: never shown
    hide: Names = ()  #: quantities that are drawn to but not written
    symbol: Literal["؟", "س", "ص"] = "؟"  #: what stands at the place of an asked quantity

    @abstractmethod
    def quantities(self) -> Mapping[str, Quantity]:
        """Every measure of the figure by its name, parameters included. Raises FigureRejected if it cannot be."""

    @abstractmethod
    def lay_out(self) -> Canvas:
        """The finished drawing. Raises FigureRejected if it cannot be read."""

    @abstractmethod
    def sentence(self) -> str:
        """What is seen, in Arabic, without numbers."""

    def web_app(self) -> dict[str, Any] | None:
        """`type`, `renderHint` and `data` for the web app's own renderers, or None where they draw it wrongly."""
        return None

    def given(self) -> dict[str, float]:
        """The parameters that are measures, as they were written."""
        written = {name: getattr(self, name) for name in type(self).model_fields if name in self.known}
        return {name: value for name, value in written.items() if value is not None}

    def shown_data(self) -> dict[str, Any]:
        """What the student may see of the parameters, besides the measures that are shown."""
        return {}

    @cached_property
    def known(self) -> Mapping[str, Quantity]:
        """The quantities, found once."""
        return self.quantities()

    @cached_property
    def shown_measures(self) -> dict[str, float]:
        """The given measures that the student sees."""
        return {
            name: value
            for name, value in self.given().items()
            if name not in self.ask and name not in self.hide
        }

    def label(self, name: str) -> str | None:
        """What stands at the place of a quantity: its value, the symbol of an asked one, or nothing."""
        if name in self.ask:
            return self.symbol
        value = self.shown_measures.get(name)
        return None if value is None else self.known[name].written(value, self.unit)

    def letter(self, index: int) -> str:
        """The letter of a point, or an empty text."""
        letters = self.points or (self.corners if self.is_always_lettered else "")
        return letters[index : index + 1]

    def named(self, *indices: int) -> str:
        """The letters of some points as a name with a space before it, or nothing: ` أ ب ج`."""
        letters = [letter for letter in map(self.letter, indices) if letter]
        return f" {' '.join(letters)}" if letters else ""

    def side_names(self, first: int, second: int) -> tuple[str, ...]:
        """What a stem calls the side between two points: `أ ب`; nothing while they have no letters."""
        name = self.named(first, second).strip()
        return (f"الضلع {name}", name) if name else ()

    def measure_texts(self) -> list[str]:
        """Each shown measure as Arabic words: `نصف القطر 7 سم`."""
        return [
            f"{self.known[name].names[0]} {self.known[name].spoken(value, self.unit)}"
            for name, value in self.shown_measures.items()
        ]

    def problems(self) -> list[Reason]:
        """What every pattern must keep; a pattern may add its own."""
        found = []
        if len(set(self.points)) != len(self.points) or len(self.points) not in self.point_counts():
            found.append(Reason.WRONG_POINT_NAMES)
        if not set(self.ask) | set(self.hide) <= self.known.keys() or set(self.ask) & set(self.hide):
            found.append(Reason.UNKNOWN_QUANTITY)
        if any(not self.known[name].agrees_with(value) for name, value in self.given().items()):
            found.append(Reason.INCONSISTENT)
        if self.shows_nothing():
            found.append(Reason.SHOWS_NOTHING)
        return found

    def point_counts(self) -> set[int]:
        """How many letters `points` may have."""
        return {0, len(self.corners)}

    def shows_nothing(self) -> bool:
        return not self.shown_measures


def need(condition: object, reason: Reason, detail: str = "") -> None:
    """Raise FigureRejected with the reason unless the condition holds."""
    if not condition:
        raise FigureRejected(reason, detail)
