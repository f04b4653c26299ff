"""Amounts of money for people to read. Programs get micro-dollars, exactly as in the ledger."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_MICRODOLLARS = 1_000_000
_CENT = Decimal("0.01")


def dollars(microdollars: Decimal) -> str:
    """Dollars and cents like `$1,234.50`; "less than a cent" for an amount between zero and a cent."""
    if microdollars < 0:
        return f"minus {dollars(-microdollars)}"
    amount = microdollars / _MICRODOLLARS
    if 0 < amount < _CENT:
        return "less than a cent"
    return f"${amount.quantize(_CENT, ROUND_HALF_UP):,}"
