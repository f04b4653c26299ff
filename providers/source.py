"""A model API that speaks the Messages wire, as the domain's QuestionSource."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import anthropic

from generation.errors import ProviderThrottled
from generation.model import Billed, Prompt, StreamEnded, StreamEvent, StreamStarted, Urgency, Usage
from generation.stop import StopSignal
from providers.governor import Governor, Permit
from providers.health import LocalHealth, SourceHealth
from providers.limits import LimitRules
from providers.messages import CacheTtl, prefix_levels
from providers.prices import cost_microdollars
from providers.profiles import ModelProfile, profile_of
from providers.settling import OutputCounter, settle
from providers.shared import Shared
from providers.signs import Signs
from providers.stream import Call, StreamLimits, streaming
from providers.warmup import Flight, WarmUp

#: An answer about the source's health that is younger than this still holds.
_SHORT_WAIT_S = 0.1
#: When to look again at a source that was found dead meanwhile.
_LOOK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Traffic:
    """What governs a process's calls beyond each single one; without `shared`, of this process alone."""

    shared: Shared | None = None
    limits: LimitRules = field(default_factory=LimitRules)
    signs: Signs = field(default_factory=Signs)
    health: SourceHealth = field(default_factory=LocalHealth)


class MessagesSource:
    """One provider, one model, one client for the whole process. Safe to use from many threads."""

    def __init__(
        self,
        *,
        name: str,
        model: str,
        client: anthropic.Anthropic,
        make_body: Callable[[Prompt, CacheTtl], dict[str, Any]],
        warmup: WarmUp,
        governor: Governor,
        health: SourceHealth,
        limits: StreamLimits,
        count: OutputCounter,
    ) -> None:
        self.name = name
        self.model = model
        self.client = client
        self._make_body = make_body
        self._warmup = warmup
        self._governor = governor
        self._health = health
        self._limits = limits
        self._count = count

    @property
    def profile(self) -> ModelProfile:
        return profile_of(self.model)

    def stream(
        self, prompt: Prompt, stop: StopSignal, *, urgency: Urgency = Urgency.INTERACTIVE
    ) -> AbstractContextManager[Iterator[StreamEvent]]:
        """Wait for the call's turn; what is returned sends it on entering, and never retries.

        The turn comes when the prefix is cached or this call is the one to write it, and when the rate
        limits allow; both waits are bounded. Raises ProviderThrottled when it would come too late: then
        nothing was sent. See `providers.stream.streaming` for what the stream guarantees.
        """
        flight, permit = self._turn(prompt, stop, urgency)
        return self._streaming(prompt, stop, flight, permit)

    def _turn(self, prompt: Prompt, stop: StopSignal, urgency: Urgency) -> tuple[Flight, Permit]:
        began = time.monotonic()
        flight = self._warmup.enter(prefix_levels(self._make_body(prompt, "5m")), stop)
        # Others wait for the call that warms the prefix, so it does not queue as a prefetch.
        urgency = Urgency.INTERACTIVE if flight.leads else urgency
        try:
            permit = self._governor.admit(prompt, stop, urgency=urgency, writes_prefix=flight.leads)
        except BaseException:
            flight.over()
            raise
        if time.monotonic() - began > _SHORT_WAIT_S and self._health.is_resting(self.name):
            # It was well when it was picked, and was found dead while this call waited.
            flight.over()
            permit.over(None, ended=False)
            raise ProviderThrottled(provider=self.name, retry_after_s=_LOOK_AGAIN_S)
        return flight, permit

    @contextmanager
    def _streaming(
        self, prompt: Prompt, stop: StopSignal, flight: Flight, permit: Permit
    ) -> Iterator[Iterator[StreamEvent]]:
        flight.asks_now()
        call = Call(
            client=self.client,
            provider=self.name,
            body=self._make_body(prompt, flight.ttl),
            cache_ttl=flight.ttl,
            limits=self._limits,
            answered=self._governor.learn,
        )
        count = _Count()
        try:
            with streaming(call, stop) as events:
                yield count.following(events, flight)
        finally:
            flight.over()
            permit.over(count.used, ended=count.is_final)

    def settle(self, started: StreamStarted, text: str) -> Billed:
        """What a reply that broke off after `text` has used. Never raises; may ask the provider."""
        return settle(started, text, profile=profile_of(started.model), count=self._count)

    def cost_microdollars(self, model: str, usage: Usage) -> Decimal:
        """What a call cost at list prices, by the model that answered. Exact."""
        return cost_microdollars(profile_of(model).prices, usage)

    def close(self) -> None:
        """Close every connection; the source cannot be used afterwards."""
        self.client.close()


class _Count:
    """What a call has used so far, read off its events on their way."""

    def __init__(self) -> None:
        self.used: Usage | None = None  #: None while the reply has not begun
        self.is_final = False

    def following(self, events: Iterator[StreamEvent], flight: Flight) -> Iterator[StreamEvent]:
        """The same events; the first one says why the cache was missed, if it was."""
        for event in events:
            match event:
                case StreamStarted(usage=usage, cache_miss_reason=told):
                    self.used = usage
                    yield replace(event, cache_miss_reason=flight.began(usage, told))
                    continue
                case StreamEnded(usage=usage):
                    self.used, self.is_final = usage, True
            yield event
