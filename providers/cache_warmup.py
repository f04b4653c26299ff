"""One call writes a prefix into the provider's cache, all others wait for its reply to begin and read it.

An entry becomes readable only when the first reply that writes it has begun, so a fleet that starts cold
would pay for it once a call. Who leads is agreed through Redis, level by level of the prefix; without
Redis within the process. The memory is a guess about the provider's: a wrong one costs a write, never an
answer.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self

from generation.cancellation import CancellationSignal
from generation.model_call import Usage
from providers.messages import PREFIXES_KEPT, CacheTtl
from providers.prices import Rates
from providers.redis_scripts import RedisScripts, in_ms, script_or_none
from providers.telemetry import ProviderTelemetry

TTL_S: dict[CacheTtl, float] = {"5m": 300.0, "1h": 3600.0}

#: What the provider says when our bytes, or its reading of them, differ between two calls of one prefix.
_DRIFTS = frozenset({"model_changed", "system_changed", "tools_changed"})

_STOP_SEEN_WITHIN_S = 0.25


@dataclass(frozen=True, slots=True)
class WarmUpRules:
    """Seconds, unless it says otherwise."""

    lead_s: float = 6.0  #: longer than a first token takes; then somebody else leads
    longest_wait_s: float = 12.0  #: for the leader; after it a call goes, and may pay for a write
    look_again_s: float = 0.05  #: one thread a process looks while the others wait for it
    margin_s: float = 10.0  #: an entry this close to its end is taken for cold
    refresh_s: float = 15.0  #: how often a process informs the others that it used a prefix
    most_prefixes: int = 8  #: in use within one short lifetime; more means that the shared part is not shared


class Miss(StrEnum):
    """Why a call did not find all of its prefix. Besides these, what the provider itself says."""

    FIRST_WRITE = "first_write"  #: nobody had used the prefix before
    EXPIRED = "expired"  #: nobody had used it for longer than it lives
    NOT_WARMED = "not_warmed_in_time"  #: the leader's reply did not begin while this call waited
    EVICTED = "evicted"  #: it was used a moment ago, and the provider did not have it
    NOT_CACHED = "not_cached"  #: neither read nor written: too short, or the provider does not cache


class _State(Enum):
    TAKEN = 0
    WARM = 1
    LEAD = 2


@dataclass(frozen=True, slots=True)
class _Known:
    """What this process remembers of a prefix. Monotonic seconds."""

    warm_until: float
    told_at: float
    ttl: CacheTtl


@dataclass(frozen=True, slots=True)
class _Answer:
    state: _State
    ttl: CacheTtl
    seen: bool = True


class Flight:
    """One call and its prefix. Its with-block ends with the call; call `began` when the reply begins."""

    def __init__(self, warmup: WarmUp, levels: tuple[str, ...], ttl: CacheTtl, cold: str | None) -> None:
        self.ttl: CacheTtl = ttl  #: to ask for
        self.levels = levels
        self.token = uuid.uuid4().hex
        self.began_at = warmup.clock()
        self.leads = False  #: others wait for this call's reply to begin
        self._warmup = warmup
        self._cold = cold  #: the reason if it does not find its prefix
        self._is_over = False

    def set_out(self, answer: _Answer) -> None:
        """The call may be sent: the prefix is warm, the call is to warm it, or it has waited long enough."""
        self.ttl = answer.ttl
        self.leads = answer.state is _State.LEAD
        if self.leads:
            self._cold = Miss.EXPIRED if answer.seen else Miss.FIRST_WRITE
        elif answer.state is _State.TAKEN:
            self._cold = Miss.NOT_WARMED

    def asks_now(self) -> None:
        """The request is sent now: the entry's life counts from here."""
        self.began_at = self._warmup.clock()

    def began(self, usage: Usage, reported: str | None) -> str | None:
        """The reply has begun: the prefix is warm for all. Returns why it was missed; None for a hit, or for
        a call that asked for no breakpoint.
        """
        self._warmup.began(self)  # also when nothing is cached: then nobody has to wait for anybody
        self.over()
        reason = self.missed(usage, reported)
        if reason in _DRIFTS:
            self._warmup.drifted(reason)
        return reason

    def over(self) -> None:
        """If the call led and its reply never began, the next one leads."""
        if not self._is_over:
            self._is_over = True
            self._warmup.over(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over()

    def missed(self, usage: Usage, reported: str | None) -> str | None:
        """Why the prefix was missed, by this usage; None for a hit, or for a call that asked for no breakpoint."""
        if not self.levels or (usage.cache_read and not usage.cache_written):
            return None
        if not usage.cache_written:
            return Miss.NOT_CACHED
        if reported in _DRIFTS:
            return reported
        return self._cold or Miss.EVICTED


class WarmUp:
    """The prefixes of one provider. Safe to use from many threads."""

    def __init__(
        self,
        provider: str,
        scripts: RedisScripts | None,
        *,
        ttl: CacheTtl | None = None,
        rates: Rates | None = None,
        rules: WarmUpRules | None = None,
        telemetry: ProviderTelemetry | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ttl` fixes the lifetime asked for; without it the cheaper one by `rates` is chosen each time."""
        self.clock = clock
        self._provider = provider
        self._ttl = ttl
        self._rates = rates
        self._rules = rules or WarmUpRules()
        self._telemetry = telemetry or ProviderTelemetry()
        self._enter = script_or_none(scripts, "warm_enter")
        self._began = script_or_none(scripts, "warm_began")
        self._abandon = script_or_none(scripts, "warm_abandon")
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], _Known] = {}
        self._led_until: dict[tuple[str, ...], float] = {}
        self._turns = tuple(threading.Lock() for _ in range(PREFIXES_KEPT))
        self._drift_told_at: float | None = None

    def enter(self, levels: tuple[str, ...], stop: CancellationSignal) -> Flight:
        """Return when a call with this prefix should be sent: it is warm, or the call is to warm it.

        `levels` are the digests of the prefixes that end at a breakpoint, shortest first; none, no wait.
        Waits at most `longest_wait_s`, and not at all once `stop` is set.
        """
        flight = Flight(self, levels, self._ttl or "5m", cold=None)
        if not levels:
            return flight
        deadline = self.clock() + self._rules.longest_wait_s
        turn = self._turns[hash(levels) % len(self._turns)]
        while True:
            known = self._warm(levels)
            if known is not None:
                flight.set_out(_Answer(_State.WARM, known.ttl))
                return flight
            if stop.reason is not None or self.clock() >= deadline:
                flight.set_out(_Answer(_State.TAKEN, flight.ttl))
                return flight
            if turn.acquire(timeout=_STOP_SEEN_WITHIN_S):
                try:
                    if self._may_set_out(flight):
                        return flight
                finally:
                    turn.release()

    def began(self, flight: Flight) -> None:
        """The prefix is warm from now on; other processes are informed, unless they were a moment ago."""
        if not flight.levels:
            return
        now, known = self.clock(), self._known.get(flight.levels)
        warm_until = flight.began_at + TTL_S[flight.ttl] - self._rules.margin_s
        tell = flight.leads or known is None or now - known.told_at >= self._rules.refresh_s
        told_at = now if tell or known is None else known.told_at
        with self._lock:
            if len(self._known) >= PREFIXES_KEPT and flight.levels not in self._known:
                self._known.clear()
            self._known[flight.levels] = _Known(warm_until, told_at, flight.ttl)
        if tell:
            self._tell(flight, warm_until - now)

    def over(self, flight: Flight) -> None:
        if not flight.leads:
            return
        if self._warm(flight.levels) is None:
            self._abandon(self._keys(flight.levels), flight.token)
        with self._lock:
            self._led_until.pop(flight.levels, None)

    def drifted(self, because: str, prefixes: int = 0) -> None:
        now = self.clock()
        if self._drift_told_at is None or now - self._drift_told_at > TTL_S["5m"]:
            self._drift_told_at = now
            self._telemetry.prefix_drifted(self._provider, because, prefixes)

    def _may_set_out(self, flight: Flight) -> bool:
        """Ask the others whether the prefix is warm, or to be warmed by this flight."""
        if self._warm(flight.levels) is not None:
            return False  # the next look sees it
        answer = self._ask(flight)
        if answer.state is _State.TAKEN:
            # Other threads wait for this one's turn to end, so that one thread at a time asks Redis.
            time.sleep(self._rules.look_again_s)
            return False
        flight.set_out(answer)
        return True

    def _ask(self, flight: Flight) -> _Answer:
        answer = self._enter(self._keys(flight.levels), flight.token, in_ms(self._rules.lead_s))
        if answer is None:
            return self._ask_within(flight)
        state, seen, minutes, hours, ttl = answer
        if self._ttl is None and _State(state) is _State.WARM and ttl:
            chosen: CacheTtl = "1h" if ttl == b"1h" else "5m"
        else:
            chosen = self._ttl or cheaper_ttl(minutes / 1000, hours / 1000, self._rates)
        return _Answer(_State(state), chosen, seen=bool(seen))

    def _ask_within(self, flight: Flight) -> _Answer:
        """The same among the threads of this process."""
        now = self.clock()
        with self._lock:
            if self._led_until.get(flight.levels, now) > now:
                return _Answer(_State.TAKEN, flight.ttl)
            self._led_until[flight.levels] = now + self._rules.lead_s
        chosen = self._ttl or cheaper_ttl(0, 0, self._rates)
        return _Answer(_State.LEAD, chosen, seen=flight.levels in self._known)

    def _tell(self, flight: Flight, life_s: float) -> None:
        used = f"prefixes:{self._provider}"
        too_many = self._began(
            [*self._keys(flight.levels), used, f"{used}:told"],
            flight.token,
            in_ms(life_s),
            flight.ttl,
            in_ms(TTL_S["5m"]),
            in_ms(TTL_S["1h"]),
            flight.levels[-1],
            self._rules.most_prefixes,
        )
        if too_many:
            self.drifted("too_many_prefixes", int(too_many))

    def _warm(self, levels: tuple[str, ...]) -> _Known | None:
        known = self._known.get(levels)
        return known if known is not None and known.warm_until > self.clock() else None

    def _keys(self, levels: Sequence[str]) -> list[str]:
        return [f"warm:{self._provider}:{level}" for level in levels]


def cheaper_ttl(minutes: float, hours: float, rates: Rates | None) -> CacheTtl:
    """The lifetime that costs less, by the idle spells that were seen.

    `minutes` spells outlive the short lifetime and not the long one: there the long one saves a write.
    `hours` spells outlive both: there it only makes the write dearer. Shorter spells cost the same. Before
    any was seen it is the long one: a student alone needs ten minutes for a batch.
    """
    if rates is None:
        return "5m"
    saved = minutes * float(rates.cache_write_5m - rates.cache_read)
    lost = hours * float(rates.cache_write_1h - rates.cache_write_5m)
    return "1h" if saved >= lost else "5m"
