"""The rules of the rate limiter, and what passes between it and its scripts in Redis.

A bucket each of requests, input and output tokens refills all the time, as the provider's does; its limit and level
are learned from the provider's answers. A call takes what it needs at once, into debt if it must, and then waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BUCKETS = ("requests", "input-tokens", "output-tokens")


@dataclass(frozen=True, slots=True)
class Need:
    """Tokens that count against the limits: what is read from the cache does not."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class LimitRules:
    """Shares are of a limit, times in seconds."""

    interactive_wait_s: float = 10.0  #: longer, and the student's batch is better off elsewhere
    prefetch_wait_s: float = 2.0  #: longer, and the batch waits in Postgres, where it costs nothing
    reserve: float = 0.2  #: that prefetches leave to calls a student waits for
    headroom: float = 0.03  #: that stays unused, so that calls which overtake each other are no 429
    ramp_per_s: float = 60.0  #: calls a second to begin with after a quiet minute; each call adds to it
    longest_pause_s: float = 60.0  #: for `retry-after`, which may name hours


@dataclass(frozen=True, slots=True)
class Reservation:
    """Whether a call may go, and in how many seconds it could."""

    admitted: bool
    wait_s: float
    slowed: int = 0  #: how often the pace had been slowed down when it was given out


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one answer says about the limits."""

    limits: Mapping[str, tuple[int, int]]  #: limit and what remains of it, by bucket
    pause_s: float = 0.0
    too_fast: bool = False
