"""What an exam cost, asked of the operators' command like an operator would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_ANSWERS_WITHIN_S = 30


class NoBill(Exception):
    """The ledger could not be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Bill:
    cost_microdollars: Decimal
    batches: tuple[Mapping[str, Any], ...]

    @property
    def cache_hit_rate(self) -> float | None:
        """Of the batches after the first, weighted by tokens: read / (read + written). None without any."""
        later = [batch for batch in self.batches if batch["batchIndex"] > 0]
        read = sum(batch["cacheReadTokens"] for batch in later)
        written = sum(batch["cacheWriteTokens"] for batch in later)
        return read / (read + written) if read + written else None


def bill_of(session_id: str, environment: Mapping[str, str]) -> Bill:
    """Raises NoBill."""
    try:
        done = subprocess.run(  # noqa: S603 -- our own command
            [sys.executable, "-m", "worker.cli", "cost", "--session", session_id, "--json"],
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=_ANSWERS_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise NoBill(f"The ledger could not be read within {_ANSWERS_WITHIN_S} s.") from late
    if done.returncode != 0:
        raise NoBill(f"The ledger could not be read: {done.stderr.strip()[-500:]}")
    return read_bill(done.stdout)


def read_bill(text: str) -> Bill:
    content = json.loads(text)
    return Bill(Decimal(content["costMicrodollars"]), tuple(content["batches"]))
