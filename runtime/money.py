"""Amounts as people read them. Programs are given micro-dollars, exactly as the ledger has them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_MICRODOLLARS = 1_000_000
_CENT = Decimal("0.01")


def dollars(microdollars: Decimal) -> str:
    """Dollars and cents like `$1,234.50`; "less than a cent" for what is not zero and would look like it."""
    if microdollars < 0:
        return f"minus {dollars(-microdollars)}"
    amount = microdollars / _MICRODOLLARS
    if 0 < amount < _CENT:
        return "less than a cent"
    return f"${amount.quantize(_CENT, ROUND_HALF_UP):,}"
