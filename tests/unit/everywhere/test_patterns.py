"""No text that others choose makes a pattern slow: what a search costs grows as the text does."""

from __future__ import annotations

import heapq
import re
import time
from typing import Any

import pytest

from tests.support.patterns import compiled_patterns, pumps, repeated

#: A stem has at most 2,000 characters, a text of a log line too; a passage 4,000.
SHORT, LONG = 1_024, 8_192
#: Eight times the text: a linear search takes 8 times as long, a quadratic one 64 times.
AT_MOST_TIMES = 24
#: A search that is quicker than this at the long length harms nobody and cannot be told from noise.
TOO_QUICK_S = 0.002

PATTERNS = compiled_patterns()


def seconds(pattern: re.Pattern[Any], text: Any, *, tries: int) -> float:
    """The quickest of some tries: what disturbs a measurement only ever makes it longer."""
    best = float("inf")
    for _ in range(tries):
        began = time.process_time()
        pattern.search(text)
        pattern.match(text)
        pattern.fullmatch(text)
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize("name", PATTERNS)
def test_the_cost_of_a_search_grows_as_its_text_does(name: str) -> None:
    pattern = PATTERNS[name]

    def short_cost(pump: str) -> float:
        return seconds(pattern, repeated(pump, SHORT // 2, pattern), tries=1)

    for pump in heapq.nlargest(8, pumps(pattern), key=short_cost):
        long = seconds(pattern, repeated(pump, LONG, pattern), tries=3)
        if long > TOO_QUICK_S:
            short = seconds(pattern, repeated(pump, SHORT, pattern), tries=5)
            assert long < AT_MOST_TIMES * short, f"{name} on {pump!r}: {long:.3f} s at {LONG} characters"


def test_a_pattern_that_is_quadratic_would_be_found() -> None:
    careless = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
    assert "-eyJ" in set(pumps(re.compile("eyJ")))
    short = seconds(careless, repeated("-eyJ", SHORT, careless), tries=3)
    long = seconds(careless, repeated("-eyJ", LONG, careless), tries=1)
    assert long > AT_MOST_TIMES * short
