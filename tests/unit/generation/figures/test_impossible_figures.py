"""What cannot be is rejected by name; what can be is not."""

from __future__ import annotations

from random import Random

import pytest

from generation.figures.catalogue import check
from tests.support.impossible_figures import KINDS, broken
from tools.figures.samples import SAMPLES, sample


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_figure_that_cannot_be_is_rejected(kind: str) -> None:
    passed = []
    for seed in range(25):
        written, stem, answer = broken(kind, Random(seed))
        if not check(written, stem=stem, answer=answer):
            passed.append(written)
    assert passed == []


def test_of_a_thousand_valid_figures_hardly_any_is_rejected() -> None:
    rng = Random(18)
    written = [sample(rng.choice(sorted(SAMPLES)), rng) for _ in range(1_000)]
    rejected = [(one, reasons) for one in written if (reasons := check(one))]
    assert len(rejected) <= 5, rejected
