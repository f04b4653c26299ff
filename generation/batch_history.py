"""What became of a batch before this run: what it has spent, and how its slots deviate from the plan."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Deviation(StrEnum):
    """How far a slot is from the plan because no provider could fill it as planned."""

    SUBTOPIC = "subtopic"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Spent:
    """What the calls for one batch have used of its budget."""

    calls: int = 0  #: that were answered
    microdollars: Decimal = Decimal(0)  #: of all calls
    cache_writes: int = 0  #: calls that found the prefix in no cache, and wrote it
