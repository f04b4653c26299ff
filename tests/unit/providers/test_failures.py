from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from providers.failures import retry_after_s


@given(st.text(max_size=40) | st.floats().map(str), st.sampled_from(["retry-after", "retry-after-ms"]))
def test_whatever_the_header_says_the_wait_is_a_number_of_seconds_or_none(text: str, name: str) -> None:
    wait_s = retry_after_s({name: text})
    assert wait_s is None or (wait_s >= 0 and math.isfinite(wait_s))


def test_a_date_that_no_calendar_has_is_no_wait() -> None:
    assert retry_after_s({"retry-after": "Thu, 01 Jan 999999 00:00:00 GMT"}) is None
