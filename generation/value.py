"""Numbers of school geometry: exact sums of rationals, roots and multiples of π, or approximations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

#: A term is a rational times the root of the radicand times a power of π.
_Unit = tuple[int, int]

#: Square factors beyond this stay under the root: the value is right, its form is not the shortest.
_LARGEST_SQUARE_FACTOR: Final = 1_000


class Value:
    """A number that knows whether it is exact; `float()` and `str()` give what is read."""

    __slots__ = ("_terms", "is_exact")

    def __init__(self, terms: Mapping[_Unit, Fraction], *, is_exact: bool = True) -> None:
        self._terms = {unit: factor for unit, factor in sorted(terms.items()) if factor}
        self.is_exact = is_exact

    @property
    def rational(self) -> Fraction | None:
        """The value as a fraction, or None if a root or π is part of it, or if it is not exact."""
        if not self.is_exact:
            return None
        if not self._terms:
            return _ZERO
        return self._terms.get(_ONE) if len(self._terms) == 1 else None

    def is_within(self, *, terms: int, bits: int) -> bool:
        """Whether it has at most so many terms, and each numerator and denominator at most so many bits."""
        return len(self._terms) <= terms and all(
            max(radicand.bit_length(), factor.numerator.bit_length(), factor.denominator.bit_length()) <= bits
            for (radicand, _), factor in self._terms.items()
        )

    def __add__(self, other: Value) -> Value:
        units = {*self._terms, *other._terms}
        terms = {unit: self._terms.get(unit, _ZERO) + other._terms.get(unit, _ZERO) for unit in units}
        return Value(terms, is_exact=self.is_exact and other.is_exact)

    def __sub__(self, other: Value) -> Value:
        return self + other * -1

    def __mul__(self, other: Value | Fraction | int) -> Value:
        if not isinstance(other, Value):
            terms = {unit: factor * other for unit, factor in self._terms.items()}
            return Value(terms, is_exact=self.is_exact)
        products: dict[_Unit, Fraction] = {}
        for (radicand, power), factor in self._terms.items():
            for (radicand_2, power_2), factor_2 in other._terms.items():
                whole, rest = _product_of_roots(radicand, radicand_2)
                unit = (rest, power + power_2)
                products[unit] = products.get(unit, _ZERO) + whole * factor * factor_2
        return Value(products, is_exact=self.is_exact and other.is_exact)

    def __truediv__(self, other: Value | Fraction | int) -> Value:
        if not isinstance(other, Value):
            return self * (1 / Fraction(other))
        if len(other._terms) == 1:
            ((radicand, power), factor) = next(iter(other._terms.items()))
            inverse = {(radicand, -power): 1 / (factor * radicand)}
            return self * Value(inverse, is_exact=other.is_exact)
        return approximate(float(self) / float(other))

    def sqrt(self) -> Value:
        """Its square root, exact if the value is rational. Raises ValueError for a negative one; below
        zero, what is not exact is the noise of floating point.
        """
        known = self.rational
        return approximate(math.sqrt(max(0.0, float(self)))) if known is None else root(known)

    def __lt__(self, other: Value) -> bool:
        return float(self) < float(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and (self._terms, self.is_exact) == (other._terms, other.is_exact)

    def __hash__(self) -> int:
        return hash(tuple(self._terms.items()))

    def __float__(self) -> float:
        return self.with_pi(math.pi)

    def with_pi(self, pi: float) -> float:
        """The value with an agreed π, such as 22/7."""
        return math.fsum(
            float(factor) * math.sqrt(radicand) * pi**power
            for (radicand, power), factor in self._terms.items()
        )

    def __str__(self) -> str:
        """As a student writes it: 42, 2.5, 5√3, 196 − 49π; two decimals of what is not exact."""
        if not self.is_exact:
            return number_text(rational(round(float(self), 2)))
        positive_first = sorted(self._terms.items(), key=lambda term: term[1] < 0)
        written = " + ".join(_term(unit, factor) for unit, factor in positive_first) or "0"
        return written.replace("+ −", "− ")

    def __repr__(self) -> str:
        return f"Value({self})"


_ZERO: Final = Fraction(0)
_ONE: Final = (1, 0)
PI: Final = Value({(1, 1): Fraction(1)})


def exact(value: float | Fraction) -> Value:
    """The written decimal itself: 0.1 is one tenth."""
    return Value({(1, 0): rational(value)})


def rational(value: float | Fraction) -> Fraction:
    """The written decimal as a fraction."""
    return value if isinstance(value, Fraction) else Fraction(str(value))


def root(value: Fraction) -> Value:
    """The square root, with square factors before the root. Raises ValueError for a negative value."""
    if value < 0:
        raise ValueError("a negative number has no real root")
    below, radicand, factor = value.denominator, value.numerator * value.denominator, 1
    if (whole := math.isqrt(radicand)) ** 2 == radicand:
        return exact(Fraction(whole, below))
    for divisor in range(2, min(whole, _LARGEST_SQUARE_FACTOR) + 1):
        while radicand % (divisor * divisor) == 0:
            radicand //= divisor * divisor
            factor *= divisor
    return Value({(radicand, 0): Fraction(factor, below)})


def _product_of_roots(one: int, other: int) -> tuple[int, int]:
    """What comes before the root, and what stays under it, of the product of the roots of two radicands."""
    common = math.gcd(one, other)
    rest = (one // common) * (other // common)
    whole = math.isqrt(rest)
    return (common * whole, 1) if whole**2 == rest else (common, rest)


def approximate(value: float) -> Value:
    """A value that is not known exactly."""
    return Value({_ONE: Fraction(value)}, is_exact=False)


def cosine(degrees: float | Fraction) -> Value:
    """Exact where it is a rational or a simple root."""
    turned = abs(rational(degrees)) % 360
    found = _COSINES.get(min(turned, 360 - turned))
    if found is None:
        return approximate(math.cos(math.radians(turned)))
    return root(abs(found)) * (-1 if found < 0 else 1)


def sine(degrees: float | Fraction) -> Value:
    """Exact where it is a rational or a simple root."""
    return cosine(90 - rational(degrees))


def arc_sine(ratio: float) -> float:
    """In degrees, without the noise of floating point."""
    return _whole(math.degrees(math.asin(ratio)))


def arc_tangent(ratio: float) -> float:
    """In degrees, without the noise of floating point."""
    return _whole(math.degrees(math.atan(ratio)))


def _whole(degrees: float) -> float:
    return float(round(degrees)) if math.isclose(degrees, round(degrees), abs_tol=1e-7) else degrees


def number_text(value: Fraction) -> str:
    """A whole number, a decimal that ends within three places, or a fraction."""
    if value.denominator == 1:
        return str(value.numerator).replace("-", "−")
    if _DECIMAL_PLACES % value.denominator == 0:
        return f"{float(value):.3f}".rstrip("0").replace("-", "−")
    return f"{value.numerator}/{value.denominator}".replace("-", "−")


_DECIMAL_PLACES: Final = 1_000

#: The signed square of the cosine, by degrees from 0 to 180.
_COSINES: Final = {
    Fraction(degrees): Fraction(square)
    for degrees, square in {
        0: "1", 30: "3/4", 45: "1/2", 60: "1/4", 90: "0", 120: "-1/4", 135: "-1/2", 150: "-3/4", 180: "-1",
    }.items()
}  # fmt: skip


def _term(unit: _Unit, factor: Fraction) -> str:
    radicand, power = unit
    symbol = ("" if radicand == 1 else f"√{radicand}") + "π" * power
    if not symbol:
        return number_text(factor)
    if abs(factor.numerator) == 1 and factor.denominator == 1:
        return symbol if factor > 0 else f"−{symbol}"
    above = factor.numerator
    number = (
        symbol if above == 1 else f"−{symbol}" if above == -1 else f"{number_text(Fraction(above))}{symbol}"
    )
    return number if factor.denominator == 1 else f"{number}/{factor.denominator}"
