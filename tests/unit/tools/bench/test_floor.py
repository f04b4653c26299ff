"""The floor under the benchmarks that CI watches: ratios within one process, never seconds."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tools.bench.replies import cut, ours, reply, took_us
from tools.bench.torture import torture
from tools.studies.idle import prefix_costs
from tools.studies.prefetch import POLICIES, prefetch

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


#: Ours streams and checks; json.loads has the whole text at once. Measured between 6 and 9.
MOST_OVER_JSON_LOADS = 20
#: The same reply in a megabyte and in sixteen kilobytes; a quadratic parser has 64.
MOST_GROWTH = 2.5


def us_a_delta(text: str) -> float:
    pieces = cut(text)
    return took_us(partial(ours, pieces)) / len(pieces)


def test_our_parser_costs_a_small_multiple_of_reading_the_finished_text() -> None:
    text = reply()
    whole_us = took_us(lambda: [json.loads(line) for line in text.splitlines()])
    assert took_us(partial(ours, cut(text))) < MOST_OVER_JSON_LOADS * whole_us


def test_what_a_delta_costs_does_not_grow_with_the_reply() -> None:
    text = reply()
    assert us_a_delta(text * 32) < MOST_GROWTH * us_a_delta(text)


def test_random_harm_costs_no_whole_object() -> None:
    assert [row["with_a_whole_object_lost"] for row in torture(1_200, seed=3)] == [0, 0, 0, 0]


def test_quick_students_wait_less_than_with_a_fixed_threshold_and_little_is_wasted() -> None:
    rows = {(row["students"], row["prefetch"]): row for row in prefetch(40, seed=5)}
    fixed, adaptive = POLICIES
    assert rows["steady, 20 s", adaptive]["ready_percent"] >= 99
    assert rows["skimming, 3 s", adaptive]["ready_percent"] >= 95
    assert rows["skimming, 3 s", fixed]["ready_percent"] < 50
    for leaving in ("leaving, 20 s", "leaving, 3 s"):
        assert rows[leaving, adaptive]["wasted_an_exam"] <= rows[leaving, fixed]["wasted_an_exam"] + 10
        assert rows[leaving, adaptive]["most_ahead"] <= 1


def test_the_lifetime_chosen_for_the_prefix_costs_little_more_than_the_better_one_would() -> None:
    for row in prefix_costs(0.266, 0.39, seed=2):
        assert row["prefix_chosen_usd"] <= 1.1 * min(row["prefix_5m_usd"], row["prefix_1h_usd"])
