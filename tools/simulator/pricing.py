"""What a request costs at list prices: exact, in millionths of a dollar."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of one request as they are billed. `input` is what came after the last breakpoint."""

    input: int = 0
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.read + self.write_5m + self.write_1h


@cache
def prices() -> Mapping[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
    return loaded


def cost_microdollars(price: str, tokens: TokenCounts, *, in_batch: bool = False) -> Decimal:
    """A price per million tokens in dollars is a price per token in micro-dollars: no rounding anywhere."""
    row = prices()["models"][price]
    above = row.get("above")
    if above and tokens.prompt > above["prompt_tokens"]:
        row = above
    cost = sum(
        (
            Decimal(row[part]) * getattr(tokens, part)
            for part in ("input", "output", "write_5m", "write_1h", "read")
        ),
        start=Decimal(0),
    )
    return cost * Decimal(prices()["batch_factor"]) if in_batch else cost
