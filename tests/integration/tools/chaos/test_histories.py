from __future__ import annotations

import pytest

from runtime.settings import DatabaseSettings
from tools.chaos import audit
from tools.chaos.histories import play_all

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


def test_in_no_random_history_a_stale_claim_writes(database: DatabaseSettings) -> None:
    """The short form of `python -m tools.chaos.histories`."""
    url = database.libpq_url
    audit.install(url)
    tally = play_all(url, range(40), seed=20261122)
    assert tally.wrong == []
    assert tally.steps["refused"] > 5, "some writes must have been stale, or nothing was tried"
    assert tally.judged > 100
