from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from generation.reconcile import DayCost, corrections

DAY = date(2026, 11, 22)

costs = st.builds(
    DayCost,
    st.integers(0, 2).map(lambda days: DAY + timedelta(days)),
    st.sampled_from(["claude", "openrouter"]),
    st.sampled_from(["claude-sonnet-5-5", "claude-haiku-5-5"]),
    st.decimals(0, 1000, places=4),
)


def totals(rows: Iterable[DayCost]) -> dict[tuple[date, str, str], Decimal]:
    found: defaultdict[tuple[date, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row.day, row.provider, row.model] += row.cost_microdollars
    return {key: cost for key, cost in found.items() if cost}


@given(st.lists(costs), st.lists(costs))
def test_the_ledger_plus_its_corrections_equals_the_statement(
    ledger: list[DayCost], statement: list[DayCost]
) -> None:
    found = corrections(ledger, statement)
    assert totals([*ledger, *found]) == totals(statement)
    assert found == sorted(found)


@given(st.lists(costs))
def test_what_agrees_needs_no_correction(rows: list[DayCost]) -> None:
    assert corrections(rows, reversed(rows)) == []
