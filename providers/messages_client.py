"""The domain's ProviderClient for a provider that speaks the Messages API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import anthropic

from generation.cancellation import CancellationSignal
from generation.errors import CircuitOpen
from generation.model import Urgency
from generation.model_call import Billed, Prompt, StreamEnded, StreamEvent, StreamStarted, SystemBlock, Usage
from providers.breaker_rules import BreakerState
from providers.cache_diagnostics import CacheDiagnostics
from providers.cache_warmup import Flight, WarmUp
from providers.circuit_breaker import CircuitBreaker
from providers.limits import LimitRules
from providers.messages import PREFIXES_KEPT, CacheTtl, prefix_levels, request_body
from providers.prices import cost_microdollars
from providers.profiles import ModelProfile, profile_of
from providers.rate_limiter import Permit, RateLimiter
from providers.read_pacing import ReadPacing
from providers.redis_scripts import RedisScripts
from providers.stream import Call, StreamLimits, streaming
from providers.telemetry import ProviderTelemetry
from providers.usage_recovery import OutputCounter, prompt_estimate, settle
from runtime.settings import ClaudeSettings

#: After a shorter wait than this, what the circuit breaker said before it still holds.
_SHORT_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Traffic:
    """What all calls of a process share. Without `scripts` the limits are those of this process alone."""

    scripts: RedisScripts | None = None
    limits: LimitRules = field(default_factory=LimitRules)
    telemetry: ProviderTelemetry = field(default_factory=ProviderTelemetry)
    health: BreakerState = field(default_factory=CircuitBreaker)
    read_pacing: ReadPacing = field(default_factory=ReadPacing)


@dataclass(frozen=True, slots=True)
class Asking:
    """What each request to a provider has besides the prompt."""

    effort: str
    cache_ttl: CacheTtl | None  #: None: the cheaper one each time
    limits: StreamLimits
    also: Mapping[str, Any] = field(default_factory=dict)  #: fields that only this provider's requests have

    @classmethod
    def of(
        cls, settings: ClaudeSettings, limits: StreamLimits, also: Mapping[str, Any] | None = None
    ) -> Asking:
        ttl = settings.claude_cache_ttl
        return cls(settings.claude_effort, None if ttl == "auto" else ttl, limits, also or {})


class MessagesClient:
    """One provider, one model, one client for the whole process. Safe to use from many threads."""

    def __init__(
        self,
        *,
        name: str,
        model: str,
        client: anthropic.Anthropic,
        asking: Asking,
        traffic: Traffic,
        count: OutputCounter,
        diagnostics: CacheDiagnostics | None = None,
    ) -> None:
        """With `diagnostics` each request asks why the cache was missed, if it was. Only Claude answers that."""
        self.name = name
        self.model = model
        self.client = client
        self._asking = asking
        self._health = traffic.health
        self._read_pacing = traffic.read_pacing
        self._rate_limiter = RateLimiter(
            name, model, traffic.scripts, rules=traffic.limits, telemetry=traffic.telemetry
        )
        self._warmup = WarmUp(
            name,
            traffic.scripts,
            ttl=asking.cache_ttl,
            rates=self.profile.prices.rates,
            telemetry=traffic.telemetry,
        )
        self._count = count
        self._diagnostics = diagnostics
        #: Cached: a digest reads the whole prefix, and all calls of a section have the same prefix.
        self._levels = lru_cache(PREFIXES_KEPT)(self._digests)

    @property
    def profile(self) -> ModelProfile:
        return profile_of(self.model)

    @contextmanager
    def stream(
        self,
        prompt: Prompt,
        stop: CancellationSignal,
        *,
        urgency: Urgency = Urgency.INTERACTIVE,
        before_sending: Callable[[], None] = lambda: None,
    ) -> Iterator[Iterator[StreamEvent]]:
        """Wait for the rate limiter, send the call once, and return the reply as it comes.

        The call is sent when the prefix is cached, or this call is the one that writes it, and when the rate limits
        allow. Both waits are bounded. Raises ProviderThrottled when the wait would be too long, and CircuitOpen when
        the circuit breaker opened meanwhile; then nothing was sent. See `providers.stream.streaming` for what the
        stream guarantees.
        """
        began = time.monotonic()
        with self._warmup.enter(self._levels(prompt.system), stop) as flight:
            # Other calls wait for the one that warms the prefix, so that one does not queue as a prefetch.
            urgency = Urgency.INTERACTIVE if flight.leads else urgency
            with self._rate_limiter.admit(
                prompt, stop, urgency=urgency, writes_prefix=flight.leads
            ) as permit:
                if time.monotonic() - began > _SHORT_WAIT_S and self._health.is_open(self.name):
                    raise CircuitOpen(provider=self.name)
                before_sending()
                flight.asks_now()
                with (
                    self._health.serving(self.name) as sign,
                    streaming(self._call(prompt, flight.ttl, urgency), stop) as events,
                ):
                    yield self._following(_signed(events, sign), prompt, flight, permit=permit)

    def settle(self, started: StreamStarted, text: str) -> Billed:
        """What a reply that broke off after `text` has used. Never raises; may ask the provider."""
        return settle(started, text, profile=profile_of(started.model), count=self._count)

    def cost_microdollars(self, model: str, usage: Usage) -> Decimal:
        """What a call cost at list prices, by the model that answered. Exact."""
        return cost_microdollars(profile_of(model).prices, usage)

    def close(self) -> None:
        """Close every connection; the provider cannot be used afterwards."""
        self.client.close()

    def _call(self, prompt: Prompt, ttl: CacheTtl, urgency: Urgency) -> Call:
        return Call(
            client=self.client,
            provider=self.name,
            body=self._body(prompt, ttl),
            cache_ttl=ttl,
            limits=self._asking.limits,
            read_pacing=self._read_pacing if urgency is Urgency.PREFETCH else None,
            answered=self._rate_limiter.learn,
        )

    def _digests(self, system: tuple[SystemBlock, ...]) -> tuple[str, ...]:
        return prefix_levels(self._body(Prompt(system, user="", max_tokens=1), "5m"))

    def _body(self, prompt: Prompt, ttl: CacheTtl) -> dict[str, Any]:
        body = request_body(prompt, self.profile, model=self.model, effort=self._asking.effort, cache_ttl=ttl)
        body |= self._asking.also
        if self._diagnostics is not None:
            body["diagnostics"] = {"previous_message_id": self._diagnostics.previous(prompt)}
        return body

    def _following(
        self, events: Iterator[StreamEvent], prompt: Prompt, flight: Flight, *, permit: Permit
    ) -> Iterator[StreamEvent]:
        """The same events, with their usage counted. The first one says why the cache was missed, if it was."""
        known = prompt_estimate(prompt, ttl=flight.ttl, writes_prefix=flight.leads)
        reported: str | None = None
        for event in events:
            match event:
                case StreamStarted():
                    reported = event.cache_miss_reason
                    if event.prompt_is_reported:
                        known = event.usage
                    permit.count(known)
                    yield self._begun(event, prompt, flight, known=known)
                case StreamEnded():
                    if event.prompt_is_reported:
                        known = event.usage
                    usage = replace(known, output=event.usage.output)
                    permit.count(usage, is_final=event.output_is_reported)
                    reason = flight.missed(usage, reported) if event.prompt_is_reported else None
                    yield replace(event, usage=usage, cache_miss_reason=reason)
                case _:
                    yield event

    def _begun(self, event: StreamStarted, prompt: Prompt, flight: Flight, *, known: Usage) -> StreamStarted:
        if self._diagnostics is not None and event.message_id:
            self._diagnostics.remember(prompt, event.message_id)
        reason = flight.began(known, event.cache_miss_reason)
        return replace(
            event,
            usage=replace(known, output=event.usage.output),
            cache_miss_reason=reason if event.prompt_is_reported else None,
            price_is_known=profile_of(event.model).price_is_known,
        )


def _signed(events: Iterator[StreamEvent], sign: Callable[[], object]) -> Iterator[StreamEvent]:
    for event in events:
        sign()
        yield event
