"""When a call may go: the provider's rate limits, shared by all workers, kept before it has to refuse.

Cache reads do not count, because the provider does not count them. Prefetches leave a share of every limit alone,
so that a first batch never queues behind them, and wait in Postgres rather than here. What a call will
need is estimated from what calls needed, and settled when it has ended. Without Redis every call goes at
once, and the provider's own refusals are the limit.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Self

from generation.cancellation import CancellationSignal
from generation.errors import ProviderThrottled
from generation.model import Urgency
from generation.model_call import Prompt, Usage
from providers.failures import retry_after_s
from providers.limits import BUCKETS, Lesson, LimitRules, Need, Reservation
from providers.numbers import whole_number
from providers.redis_scripts import RedisScripts, in_ms, script_or_none
from providers.telemetry import ProviderTelemetry

_TOO_FAST = "ramp_limit_exceeded"
_AT_ONCE = Reservation(admitted=True, wait_s=0.0)


class RateLimiter:
    """The limits of one provider and model. Safe to use from many threads."""

    def __init__(
        self,
        provider: str,
        model: str,
        scripts: RedisScripts | None,
        *,
        rules: LimitRules | None = None,
        telemetry: ProviderTelemetry | None = None,
    ) -> None:
        self._provider = provider
        self._rules = rules or LimitRules()
        self._telemetry = telemetry or ProviderTelemetry()
        self._estimates = _Estimates()
        self._key = f"rate_limiter:{provider}:{model}"
        self._take = script_or_none(scripts, "rate_limiter_take")
        self._learn = script_or_none(scripts, "rate_limiter_learn")
        self._settle = script_or_none(scripts, "rate_limiter_settle")
        self._again = script_or_none(scripts, "rate_limiter_retry")

    def admit(
        self, prompt: Prompt, stop: CancellationSignal, *, urgency: Urgency, writes_prefix: bool
    ) -> Permit:
        """Wait until the limits allow the call, for a bounded time. The call belongs in the permit's block.

        Returns at once when `stop` is set. Raises ProviderThrottled when the wait would be too long: then another
        provider serves the student sooner, and a prefetch waits in Postgres, where it costs nothing.
        """
        need = self._estimates.of(prompt, writes_prefix=writes_prefix)
        is_prefetch = urgency is Urgency.PREFETCH
        rules = self._rules
        longest_s = rules.prefetch_wait_s if is_prefetch else rules.interactive_wait_s
        reservation = self._book(need, rules.reserve if is_prefetch else 0.0, longest_s)
        if not reservation.admitted:
            raise self._throttled(reservation.wait_s, urgency)
        left_s = self._wait(reservation, longest_s, stop)
        if left_s > 0:
            self.settle(prompt, need, None, ended=False)
            raise self._throttled(left_s, urgency)
        self._telemetry.call_waited(self._provider, urgency, reservation.wait_s)
        return Permit(self, prompt, need)

    def learn(self, status: int, headers: Mapping[str, str], error_code: str | None = None) -> None:
        """Take in what an answer's headers say about the limits."""
        lesson = _lesson(status, headers, error_code, longest_pause_s=self._rules.longest_pause_s)
        if not lesson.limits and not lesson.pause_s and not lesson.too_fast:
            return
        pairs = [lesson.limits.get(name, (-1, -1)) for name in BUCKETS]
        for name, (limit, remaining) in lesson.limits.items():
            self._telemetry.limit_seen(self._provider, name, limit=limit, remaining=remaining)
        self._learn(
            [self._key, f"{self._key}:slowed"],
            *(number for pair in pairs for number in pair),
            in_ms(lesson.pause_s),
            int(lesson.too_fast),
            self._rules.headroom,
        )

    def settle(self, prompt: Prompt, need: Need, used: Usage | None, *, ended: bool) -> None:
        """The call is over. `used` is None when it was refused; without `ended` its output is not known."""
        counted = Need(0, 0) if used is None else _counted(used, need, ended=ended)
        if used is not None and ended:
            self._estimates.learn(prompt, used)
        unused = Need(need.input - counted.input, need.output - counted.output)
        self._settle([self._key], unused.input, unused.output)

    def _book(self, need: Need, reserve: float, longest_s: float) -> Reservation:
        answer = self._take(
            [self._key], need.input, need.output, reserve, in_ms(longest_s), self._rules.ramp_per_s
        )
        if answer is None:
            return _AT_ONCE
        return Reservation(bool(answer[0]), int(answer[1]) / 1000, slowed=int(answer[2]))

    def _wait(self, reservation: Reservation, longest_s: float, stop: CancellationSignal) -> float:
        """Wait until the call may go. If the provider refused another call meanwhile, wait again.

        Returns how long that is, when it is longer than the call may wait.
        """
        deadline = time.monotonic() + reservation.wait_s + longest_s
        stopped = threading.Event()
        with stop.waking(stopped.set):
            while 0 < reservation.wait_s <= deadline - time.monotonic():
                if stopped.wait(reservation.wait_s):
                    return 0.0
                reservation = self._look_again(reservation)
        return reservation.wait_s

    def _look_again(self, reservation: Reservation) -> Reservation:
        answer = self._again([self._key], reservation.slowed)
        if answer is None:
            return _AT_ONCE
        return Reservation(admitted=True, wait_s=int(answer[0]) / 1000, slowed=int(answer[1]))

    def _throttled(self, wait_s: float, urgency: Urgency) -> ProviderThrottled:
        # Calls that are given the same moment would all come back at it.
        spread_s = wait_s + random.uniform(0, 1 + wait_s / 2)  # noqa: S311  spreads retries, guards nothing
        self._telemetry.call_refused(self._provider, urgency, spread_s)
        return ProviderThrottled(provider=self._provider, retry_after_s=spread_s)


class Permit:
    """One admitted call. Its with-block ends with the call; call `count` with what the call uses."""

    def __init__(self, rate_limiter: RateLimiter, prompt: Prompt, need: Need) -> None:
        self._rate_limiter = rate_limiter
        self._prompt = prompt
        self._need = need
        self._used: Usage | None = None  # None while the reply has not begun
        self._is_final = False

    def count(self, used: Usage, *, is_final: bool = False) -> None:
        """What the call has used so far, or in all."""
        self._used, self._is_final = used, is_final

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rate_limiter.settle(self._prompt, self._need, self._used, ended=self._is_final)


def _lesson(
    status: int, headers: Mapping[str, str], error_code: str | None, *, longest_pause_s: float
) -> Lesson:
    limits = {}
    for name in BUCKETS:
        limit = whole_number(headers.get(f"anthropic-ratelimit-{name}-limit"))
        remaining = whole_number(headers.get(f"anthropic-ratelimit-{name}-remaining"))
        if limit and remaining is not None:
            limits[name] = (limit, min(limit, remaining))
    if status != HTTPStatus.TOO_MANY_REQUESTS:
        return Lesson(limits)
    pause_s = min(retry_after_s(headers) or 0.0, longest_pause_s)
    return Lesson(limits, pause_s, too_fast=error_code == _TOO_FAST)


def _counted(used: Usage, need: Need, *, ended: bool) -> Need:
    return Need(used.input + used.cache_written, used.output if ended else max(need.output, used.output))


class _Estimates:
    """What a call will need, from what calls like it needed. Starts high: too little is a 429."""

    #: How much of what is believed each new call replaces.
    _WEIGHT = 0.05

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._input_per_char = 0.6
        self._output_share = 0.6  #: of the room a prompt leaves for its reply, which grows with its slots

    def of(self, prompt: Prompt, *, writes_prefix: bool) -> Need:
        chars = len(prompt.user)
        if writes_prefix:
            chars += sum(len(block.text) for block in prompt.system)
        return Need(
            input=round(chars * self._input_per_char), output=round(prompt.max_tokens * self._output_share)
        )

    def learn(self, prompt: Prompt, used: Usage) -> None:
        with self._lock:
            self._output_share = self._nearer(self._output_share, used.output / prompt.max_tokens)
            if prompt.user:
                self._input_per_char = self._nearer(self._input_per_char, used.input / len(prompt.user))

    def _nearer(self, believed: float, seen: float) -> float:
        return believed + self._WEIGHT * (seen - believed)
