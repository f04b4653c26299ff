"""A short `python -m tools.studies.ledger`: the ledger is the bill, whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from db.ledger import LedgerStore
from generation.model_call import Usage, UsageSource
from tests.support.attempts import an_attempt
from tools.simulator.running import RunningSimulator
from tools.studies.ledger.calls import STALL_TIMEOUT_S, make_calls
from tools.studies.ledger.mixture import mixture
from tools.studies.ledger.reconcile import compare

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


SEED, SPEED = 7, 300.0


@pytest.fixture(autouse=True)
def _development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")


def test_the_ledger_is_the_bill_after_calls_that_fail_in_every_way(engine: Engine) -> None:
    with RunningSimulator(seed=SEED, speed=SPEED) as simulator:
        simulator.faults.extend(mixture(SEED, stall_s=2 * STALL_TIMEOUT_S * SPEED))
        tally = make_calls(engine, simulator, wanted=120, seed=SEED, threads=5)
        found = compare(engine, simulator.bill().entries)
    assert found.calls == tally.calls >= 120
    assert (found.wrong, found.strangers, found.lines_lost) == ([], [], 0)
    assert len({group.outcome for group in found.known}) >= 6, "calls ended in many ways"
    assert sum(group.ledger for group in found.known) == sum(group.bill for group in found.known) > 0
    assert sum(group.calls for group in found.flagged) < found.calls / 10


def test_a_difference_is_found(engine: Engine) -> None:
    """The comparison itself can fail: one call too cheap, one that nobody billed, one never noted."""
    with RunningSimulator(seed=SEED, speed=SPEED) as simulator:
        make_calls(engine, simulator, wanted=2, seed=SEED, threads=1)
        bill = simulator.bill().entries
    assert compare(engine, bill).holds
    invented = an_attempt(
        usage=Usage(output=1),
        usage_source=UsageSource.REPORTED,
        cost_microdollars=Decimal(10),
        request_id="req_nobody_billed",
    )
    LedgerStore(engine).close(invented)
    assert compare(engine, bill).wrong == [str(invented.id)]
    assert len(compare(engine, bill[1:]).wrong) == 2
    unheard = replace(bill[0], request_id="req_unheard_of")
    assert compare(engine, [*bill, unheard]).strangers == ["req_unheard_of"]
