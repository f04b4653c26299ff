from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.money import dollars


@pytest.mark.parametrize(
    ("microdollars", "read"),
    [
        ("0", "$0.00"),
        ("0.0001", "less than a cent"),
        ("9999.9999", "less than a cent"),
        ("10000", "$0.01"),
        ("14999", "$0.01"),
        ("15000", "$0.02"),
        ("381136.5", "$0.38"),
        ("1999999", "$2.00"),
        ("1234567890", "$1,234.57"),
        ("-120000", "minus $0.12"),
        ("-3", "minus less than a cent"),
    ],
)
def test_an_amount_is_told_in_dollars_and_cents(microdollars: str, read: str) -> None:
    assert dollars(Decimal(microdollars)) == read


@given(st.decimals(min_value=10_000, max_value=10**15, allow_nan=False, allow_infinity=False))
def test_what_is_read_is_never_more_than_half_a_cent_from_what_was_spent(microdollars: Decimal) -> None:
    read = Decimal(dollars(microdollars).removeprefix("$").replace(",", ""))
    assert abs(read - microdollars / 1_000_000) <= Decimal("0.005")
