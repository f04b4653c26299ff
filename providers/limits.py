"""The rate limits of one provider as this process knows them: what the scripts keep in Redis, in memory.

Buckets of requests, input and output tokens that refill all the time, as the provider's do; their limits
and levels are learned from its answers. A call books its time: what it needs is taken at once, also into
debt, and is returned how long to wait.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

BUCKETS = ("requests", "input-tokens", "output-tokens")
_REQUESTS, _INPUT, _OUTPUT = BUCKETS
_MINUTE_S = 60.0


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


@dataclass(slots=True)
class _Bucket:
    limit: int = 0  #: a minute; 0 until it is known
    level: float = 0.0


@dataclass(slots=True)
class _Pace:
    per_s: float
    next_at: float = 0.0
    ceiling: float = 0.0
    slowed_at: float = field(default=float("-inf"))
    slowed: int = 0  #: how often


class LocalLimits:
    """Safe to use from many threads."""

    def __init__(self, rules: LimitRules, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        self._at = clock()
        self._paused_until = 0.0
        self._buckets = {name: _Bucket() for name in BUCKETS}
        self._pace = _Pace(rules.ramp_per_s)

    def take(self, need: Need, reserve: float, longest_wait_s: float) -> Reservation:
        """Book the call if it could go within `longest_wait_s`, leaving `reserve` of each limit untouched."""
        amounts = {_REQUESTS: 1, _INPUT: need.input, _OUTPUT: need.output}
        with self._lock:
            now = self._refill()
            waits = [self._missing_s(name, amounts[name], reserve) for name in BUCKETS]
            wait_s = max(0.0, self._paused_until - now, self._pace_wait_s(now), *waits)
            if wait_s > longest_wait_s:
                return Reservation(admitted=False, wait_s=wait_s)
            for name, bucket in self._buckets.items():
                if bucket.limit or name == _OUTPUT:
                    bucket.level -= amounts[name]
            self._step(now)
            return Reservation(admitted=True, wait_s=wait_s, slowed=self._pace.slowed)

    def again(self, reservation: Reservation) -> Reservation:
        """The reservation of a call whose time has come, with what it still has to wait.

        A queue that was made at a pace which proved too fast is made again, or all of it would go when the
        pause ends.
        """
        with self._lock:
            now, pace = self._clock(), self._pace
            paused_s = max(0.0, self._paused_until - now)
            if reservation.slowed == pace.slowed:
                return replace(reservation, wait_s=paused_s)
            turn = max(pace.next_at, now + paused_s)
            pace.next_at = turn + 1 / pace.per_s
            return Reservation(admitted=True, wait_s=turn - now, slowed=pace.slowed)

    def learn(self, lesson: Lesson) -> None:
        with self._lock:
            now = self._refill()
            for name, (limit, remaining) in lesson.limits.items():
                self._correct(self._buckets[name], limit, remaining)
            self._paused_until = max(self._paused_until, now + lesson.pause_s)
            if lesson.too_fast and now - self._pace.slowed_at >= 1:
                self._slow_down(now, lesson.pause_s)

    def settle(self, unused: Need) -> None:
        """Give back what a call did not use; negative numbers take what it used more."""
        with self._lock:
            self._buckets[_INPUT].level += unused.input if self._buckets[_INPUT].limit else 0
            self._buckets[_OUTPUT].level += unused.output

    def _refill(self) -> float:
        now = self._clock()
        for bucket in self._buckets.values():
            if bucket.limit:
                refilled = bucket.level + (now - self._at) * bucket.limit / _MINUTE_S
                bucket.level = min(float(bucket.limit), refilled)
        self._at = now
        return now

    def _missing_s(self, name: str, amount: int, reserve: float) -> float:
        bucket = self._buckets[name]
        if not bucket.limit:
            return 0.0
        untouched = reserve * bucket.limit
        missing = min(amount, bucket.limit - untouched) + untouched - bucket.level
        return missing * _MINUTE_S / bucket.limit

    def _pace_wait_s(self, now: float) -> float:
        if now - self._pace.next_at > _MINUTE_S:
            self._pace = _Pace(self._rules.ramp_per_s)
        return self._pace.next_at - now - 0.25

    def _step(self, now: float) -> None:
        pace = self._pace
        pace.next_at = max(pace.next_at, now) + 1 / pace.per_s
        refused_before = pace.ceiling and pace.per_s > pace.ceiling
        pace.per_s = min(10_000.0, pace.per_s + (0.5 / pace.per_s if refused_before else 1.0))

    def _slow_down(self, now: float, pause_s: float) -> None:
        """What was refused went at the pace of now; the pace that is kept is the one of the last booked call."""
        pace = self._pace
        ahead_s = max(0.0, pace.next_at - now)
        gone_at = pace.per_s * math.exp(-ahead_s)
        if pace.ceiling:
            gone_at = max(min(pace.per_s, pace.ceiling), pace.per_s - ahead_s / 2)
        pace.per_s = pace.ceiling = max(1.0, gone_at / 2)
        pace.next_at, pace.slowed_at = now + pause_s, now
        pace.slowed += 1

    def _correct(self, bucket: _Bucket, limit: int, remaining: int) -> None:
        usable = remaining - limit * self._rules.headroom
        if bucket.limit:
            bucket.level = min(bucket.level, usable)
        else:
            bucket.level = usable + max(-limit, min(0.0, bucket.level))
        bucket.limit = limit
