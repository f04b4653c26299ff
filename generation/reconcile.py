"""What must be added to the ledger so that it says what the providers bill."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class DayCost:
    """What one model of one provider cost on one day of UTC, by one account of it."""

    day: date
    provider: str
    model: str
    cost_microdollars: Decimal


def corrections(ledger: Iterable[DayCost], statement: Iterable[DayCost]) -> list[DayCost]:
    """The differences, in order: ledger plus corrections is the statement, day by day and model by model.

    A call that runs over midnight may be one account's today and the other's tomorrow: two corrections that
    cancel each other.
    """
    missing: defaultdict[tuple[date, str, str], Decimal] = defaultdict(Decimal)
    for billed in statement:
        missing[_key(billed)] += billed.cost_microdollars
    for noted in ledger:
        missing[_key(noted)] -= noted.cost_microdollars
    return sorted(DayCost(*key, cost) for key, cost in missing.items() if cost)


def _key(cost: DayCost) -> tuple[date, str, str]:
    return cost.day, cost.provider, cost.model
