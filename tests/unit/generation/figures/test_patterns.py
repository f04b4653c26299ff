"""Every pattern draws every valid set of parameters legibly, to scale, and without what is asked for."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.figures.catalogue import PATTERNS, check, draw, parse, web_app
from tests.support.figure_rules import faults, web_app_faults
from tools.figures.samples import SAMPLES, sample

NAMES = sorted(SAMPLES)
#: Parameter sets of each pattern in `make proof`; FIGURE_SETS=10000 takes twenty minutes.
SETS = int(os.environ.get("FIGURE_SETS", "400"))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=7, deadline=None)
@given(st.integers(0, 2**32))
def test_valid_parameters_are_drawn_legibly_and_to_scale(name: str, seed: int) -> None:
    written = sample(name, Random(seed))
    assert check(written) == ()
    assert faults(parse(written)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_same_figure_has_the_same_bytes(name: str) -> None:
    written = sample(name, Random(7))
    assert draw(parse(written)) == draw(parse(dict(written)))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=7, deadline=None)
@given(st.integers(0, 2**32))
def test_what_the_web_app_gets_is_what_its_renderers_draw_rightly(name: str, seed: int) -> None:
    diagram = web_app(parse(sample(name, Random(seed))))
    assert diagram is None or web_app_faults(diagram) == []


def test_every_pattern_has_samples() -> None:
    assert set(SAMPLES) == set(PATTERNS)


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_many_figures_of_a_pattern_are_drawn_legibly_and_to_scale(name: str) -> None:
    rejected, wrong = 0, []
    for seed in range(SETS):
        written = sample(name, Random(seed))
        if check(written):
            rejected += 1
            continue
        wrong += [(written, found) for found in [faults(parse(written))] if found]
    assert wrong == []
    assert rejected <= SETS // 200  # half a percent
