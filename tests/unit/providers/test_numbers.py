from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.failures import retry_after_s
from providers.limits import LimitRules
from providers.numbers import LARGEST_COUNT, seconds, whole_number
from providers.rate_limiter import RateLimiter, _lesson

ODD = [
    "²",
    "9" * 5_000,
    "-5",
    "nan",
    "inf",
    "1e999",
    "0x10",
    "٤",
    "1_000",
    "",
    " ",
    "5;",
    "\u00bd",
    "Sat, 01 Jan",
]

anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.just([])
)


@given(anything)
def test_a_whole_number_is_a_count_or_none(value: Any) -> None:
    number = whole_number(value)
    assert number is None or (type(number) is int and 0 <= number <= LARGEST_COUNT)


@given(st.text())
def test_seconds_are_finite_or_none(text: str) -> None:
    value = seconds(text)
    assert value is None or math.isfinite(value)


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_wait_is_a_bounded_wait_or_none(odd: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        wait_s = retry_after_s({name: odd})
        assert wait_s is None or (wait_s >= 0 and math.isfinite(wait_s))


@pytest.mark.parametrize(
    "date", ["Thu, 01 Jan " + "9" * 5_000 + " 00:00:00 GMT", "9" * 5_000 + " Jan 2026", "1 1 1"]
)
def test_no_date_is_an_exception(date: str) -> None:
    assert retry_after_s({"retry-after": date}) in {None, 0.0}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("part", ["limit", "remaining"])
def test_an_odd_limit_teaches_nothing(odd: str, part: str) -> None:
    good = {
        f"anthropic-ratelimit-{name}-{which}": "1000"
        for name in ("requests", "input-tokens", "output-tokens")
        for which in ("limit", "remaining")
    }
    lesson = _lesson(200, good | {f"anthropic-ratelimit-requests-{part}": odd}, None, longest_pause_s=60)
    assert set(lesson.limits) == {"input-tokens", "output-tokens"}


@given(
    st.dictionaries(
        st.sampled_from([f"anthropic-ratelimit-requests-{x}" for x in ("limit", "remaining")]), st.text()
    )
)
def test_no_header_breaks_a_call(headers: dict[str, str]) -> None:
    RateLimiter("claude", "m", None, rules=LimitRules()).learn(429, headers | {"retry-after": "²"})


def test_more_is_never_left_than_the_limit() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "1000000",
    }
    assert _lesson(200, headers, None, longest_pause_s=60).limits == {"requests": (50, 50)}
