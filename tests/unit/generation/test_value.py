"""Exact numbers stay exact, and know when they no longer are."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.value import PI, Value, approximate, cosine, exact, rational, root, sine

RATIONALS = st.fractions(min_value=-50, max_value=50, max_denominator=12)
VALUES = st.builds(
    lambda a, b, n, c: exact(a) + root(Fraction(n)) * b + PI * c,
    RATIONALS,
    RATIONALS,
    st.integers(0, 60),
    RATIONALS,
)


@given(VALUES, VALUES)
def test_arithmetic_agrees_with_floating_point(one: Value, other: Value) -> None:
    assert float(one + other) == pytest.approx(float(one) + float(other), abs=1e-6)
    assert float(one - other) == pytest.approx(float(one) - float(other), abs=1e-6)
    assert float(one * other) == pytest.approx(float(one) * float(other), rel=1e-9, abs=1e-6)


@given(st.integers(1, 5_000))
def test_a_root_times_itself_is_the_number(number: int) -> None:
    assert (root(Fraction(number)) * root(Fraction(number))).rational == number


def test_a_product_of_roots_with_a_large_square_in_both_is_rational() -> None:
    assert (root(Fraction(2 * 1009**2)) * root(Fraction(8))).rational == 4 * 1009


@given(VALUES, st.integers(1, 40))
def test_dividing_by_a_root_and_multiplying_with_it_changes_nothing(value: Value, number: int) -> None:
    assert value / root(Fraction(number)) * root(Fraction(number)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (exact(42), "42"),
        (exact(2.5), "2.5"),
        (exact(Fraction(1, 3)), "1/3"),
        (exact(-4), "−4"),
        (root(Fraction(75)), "5√3"),
        (root(Fraction(1, 2)), "√2/2"),
        (exact(196) - PI * 49, "196 − 49π"),
        (PI * -49 + exact(196), "196 − 49π"),
        (PI, "π"),
        (PI * Fraction(49, 4), "49π/4"),
        (approximate(math.pi), "3.14"),
    ],
)
def test_a_value_is_written_as_a_student_writes_it(value: Value, text: str) -> None:
    assert str(value) == text


@pytest.mark.parametrize("degrees", range(0, 361, 15))
def test_sine_and_cosine_are_right_and_exact_where_school_knows_them(degrees: int) -> None:
    assert float(cosine(degrees)) == pytest.approx(math.cos(math.radians(degrees)), abs=1e-12)
    assert float(sine(degrees)) == pytest.approx(math.sin(math.radians(degrees)), abs=1e-12)
    assert cosine(degrees).is_exact == (degrees % 30 == 0 or degrees % 45 == 0)


def test_what_was_measured_never_becomes_exact_again() -> None:
    assert not (approximate(2) * exact(3) + exact(1)).is_exact
    assert (approximate(2) * exact(3)).rational is None


def test_a_written_decimal_is_itself() -> None:
    assert rational(0.1) == Fraction(1, 10)
    assert root(Fraction(2)).rational is None
    with pytest.raises(ValueError, match="no real root"):
        root(Fraction(-1))
