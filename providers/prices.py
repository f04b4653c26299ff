"""What a call costs, exactly. A price of one dollar per million tokens is one micro-dollar per token."""

from __future__ import annotations

from decimal import Decimal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from generation.model_call import Usage

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Rates:
    """Micro-dollars per token, which is dollars per million tokens."""

    input: Decimal
    output: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """Micro-dollars for these tokens. Exact: sums and products of decimals, never rounded."""
        return (
            self.input * usage.input
            + self.output * usage.output
            + self.cache_write_5m * usage.cache_write_5m
            + self.cache_write_1h * usage.cache_write_1h
            + self.cache_read * usage.cache_read
        )


@dataclass(frozen=True, config=_STRICT)
class LongPrompt:
    """Other rates, for all tokens of a call whose whole prompt is longer than this."""

    above_tokens: int
    rates: Rates


@dataclass(frozen=True, config=_STRICT)
class PriceTable:
    """The list prices of one model."""

    rates: Rates
    long_prompt: LongPrompt | None = None


def cost_microdollars(prices: PriceTable, usage: Usage) -> Decimal:
    """What one call cost at list prices. Exact."""
    return _rates_for(prices, usage).cost(usage)


def _rates_for(prices: PriceTable, usage: Usage) -> Rates:
    whole_prompt = usage.input + usage.cache_read + usage.cache_written
    if prices.long_prompt is not None and whole_prompt > prices.long_prompt.above_tokens:
        return prices.long_prompt.rates
    return prices.rates
