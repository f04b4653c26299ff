"""What a figure measures: a value with its kind, its unit and its Arabic names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import Field

from generation.figures.exact import Exact, number_text, rational

#: Parameters are what a student could meet: nothing is longer, and no angle is wider.
_LONGEST: Final = 10_000

Length = Annotated[int | float, Field(gt=0, le=_LONGEST, allow_inf_nan=False)]
Area = Annotated[int | float, Field(gt=0, le=_LONGEST**2, allow_inf_nan=False)]
Angle = Annotated[int | float, Field(gt=0, lt=360, allow_inf_nan=False)]  #: in degrees
Unit = Literal["", "سم", "م", "كم", "مم", "وحدة"]

#: A given value may be rounded by this part of the true value, unless the true value is a short decimal.
ROUNDING: Final = 0.005


class Kind(StrEnum):
    LENGTH = "length"
    AREA = "area"
    VOLUME = "volume"
    ANGLE = "angle"
    NUMBER = "number"  #: a count, a slope, a coordinate: no unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measure of a figure. `names`: Arabic phrases for it, without the article; captions use the first."""

    value: Exact | float
    kind: Kind
    names: tuple[str, ...]

    @property
    def exact(self) -> Exact | None:
        return self.value if isinstance(self.value, Exact) else None

    def agrees_with(self, given: float) -> bool:
        """Whether a writer may state this number for it: the value, or its rounding if it does not end soon."""
        if (known := self.exact) is not None and (whole := known.rational) is not None and _is_short(whole):
            return rational(given) == whole
        return abs(given - float(self.value)) <= ROUNDING * abs(float(self.value))

    def written(self, value: float | Fraction, unit: str) -> str:
        """The value as a label: `12 سم`, `36 سم²`, `70°`."""
        number = number_text(rational(value))
        if self.kind is Kind.ANGLE:
            return f"{number}°"
        suffix = {Kind.LENGTH: unit, Kind.AREA: f"{unit}²", Kind.VOLUME: f"{unit}³"}.get(self.kind, "")
        return f"{number} {suffix}" if unit and suffix else number


def length(value: Exact | float, *names: str) -> Quantity:
    return Quantity(value, Kind.LENGTH, names)


def area(value: Exact | float, *names: str) -> Quantity:
    return Quantity(value, Kind.AREA, names or ("المساحة",))


def volume(value: Exact | float, *names: str) -> Quantity:
    return Quantity(value, Kind.VOLUME, names or ("الحجم",))


def angle(value: Exact | float, *names: str) -> Quantity:
    return Quantity(value, Kind.ANGLE, names)


def number(value: Exact | float, *names: str) -> Quantity:
    return Quantity(value, Kind.NUMBER, names)


def _is_short(value: Fraction) -> bool:
    return 100 % value.denominator == 0
