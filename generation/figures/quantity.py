"""What a figure measures: a value with its kind, its unit and its Arabic names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import Field

from generation.value import Value, number_text, rational

#: Parameters are what a student could meet: nothing is longer, and no angle is wider.
_LONGEST: Final = 10_000

Length = Annotated[int | float, Field(gt=0, le=_LONGEST, allow_inf_nan=False)]
Area = Annotated[int | float, Field(gt=0, le=_LONGEST**2, allow_inf_nan=False)]
Angle = Annotated[int | float, Field(gt=0, lt=360, allow_inf_nan=False)]  #: in degrees
Unit = Literal["", "سم", "م", "كم", "مم", "وحدة"]

#: A given value may be rounded by this part of the true value, unless the true value is a short decimal.
ROUNDING: Final = 0.005
_DECIMALS: Final = 100


class Kind(StrEnum):
    LENGTH = "length"
    AREA = "area"
    VOLUME = "volume"
    ANGLE = "angle"
    NUMBER = "number"  #: a count, a slope, a coordinate: no unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measure of a figure. `names`: Arabic phrases for it, without the article; captions use the first."""

    value: Value
    kind: Kind
    names: tuple[str, ...]

    def agrees_with(self, given: float) -> bool:
        """Whether a writer may state this number for it: the value, or its rounding if it does not end soon."""
        known = self.value.rational
        if known is not None and _DECIMALS % known.denominator == 0:
            return rational(given) == known
        return abs(given - float(self.value)) <= ROUNDING * abs(float(self.value))

    def written(self, value: float | Fraction, unit: str) -> str:
        """The value as a label: `12 سم`, `36 سم²`, `70°`."""
        number = number_text(rational(value))
        if self.kind is Kind.ANGLE:
            return f"{number}°"
        suffix = {Kind.LENGTH: unit, Kind.AREA: f"{unit}²", Kind.VOLUME: f"{unit}³"}.get(self.kind, "")
        return f"{number} {suffix}" if unit and suffix else number

    def spoken(self, value: float | Fraction, unit: str) -> str:
        """The value in a sentence: like `written`, but with words where a sign is read badly."""
        return self.written(value, unit).replace("°", " درجة")


def length(value: Value, *names: str) -> Quantity:
    return Quantity(value, Kind.LENGTH, names)


def area(value: Value, *names: str) -> Quantity:
    return Quantity(value, Kind.AREA, names or ("المساحة",))


def volume(value: Value, *names: str) -> Quantity:
    return Quantity(value, Kind.VOLUME, names or ("الحجم",))


def angle(value: Value, *names: str) -> Quantity:
    return Quantity(value, Kind.ANGLE, names)


def number(value: Value, *names: str) -> Quantity:
    return Quantity(value, Kind.NUMBER, names)
