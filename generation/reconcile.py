"""The corrections that make the ledger equal to the providers' statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class DayCost:
    """The cost of one model of one provider on one UTC day, according to the ledger or a statement."""

    day: date
    provider: str
    model: str
    cost_microdollars: Decimal


def corrections(ledger: Iterable[DayCost], statement: Iterable[DayCost]) -> list[DayCost]:
    """The differences, sorted: ledger plus corrections equals the statement for each day and model.

    The two may count a call that runs over midnight on different days, which gives two corrections that cancel
    each other.
    """
    missing: defaultdict[tuple[date, str, str], Decimal] = defaultdict(Decimal)
    for billed in statement:
        missing[_key(billed)] += billed.cost_microdollars
    for noted in ledger:
        missing[_key(noted)] -= noted.cost_microdollars
    return sorted(DayCost(*key, cost) for key, cost in missing.items() if cost)


def _key(cost: DayCost) -> tuple[date, str, str]:
    return cost.day, cost.provider, cost.model
