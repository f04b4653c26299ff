"""A model API that speaks the Messages wire, as the domain's QuestionSource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import anthropic

from generation.model import Billed, Prompt, StreamEvent, StreamStarted, Usage
from generation.stop import StopSignal
from providers.messages import CacheTtl
from providers.prices import cost_microdollars
from providers.profiles import ModelProfile, profile_of
from providers.settling import OutputCounter, settle
from providers.stream import Call, StreamLimits, streaming


class MessagesSource:
    """One provider, one model, one client for the whole process. Safe to use from many threads."""

    def __init__(
        self,
        *,
        name: str,
        model: str,
        client: anthropic.Anthropic,
        make_body: Callable[[Prompt], dict[str, Any]],
        cache_ttl: CacheTtl,
        limits: StreamLimits,
        count: OutputCounter,
    ) -> None:
        self.name = name
        self.model = model
        self.client = client
        self._make_body = make_body
        self._cache_ttl = cache_ttl
        self._limits = limits
        self._count = count

    @property
    def profile(self) -> ModelProfile:
        return profile_of(self.model)

    def stream(self, prompt: Prompt, stop: StopSignal) -> AbstractContextManager[Iterator[StreamEvent]]:
        """One HTTP stream, no hidden retry; see `providers.stream.streaming` for what it guarantees."""
        call = Call(
            client=self.client,
            provider=self.name,
            body=self._make_body(prompt),
            cache_ttl=self._cache_ttl,
            limits=self._limits,
        )
        return streaming(call, stop)

    def settle(self, started: StreamStarted, text: str) -> Billed:
        """What a reply that broke off after `text` has used. Never raises; may ask the provider."""
        return settle(started, text, profile=profile_of(started.model), count=self._count)

    def cost_microdollars(self, model: str, usage: Usage) -> Decimal:
        """What a call cost at list prices, by the model that answered. Exact."""
        return cost_microdollars(profile_of(model).prices, usage)

    def close(self) -> None:
        """Close every connection; the source cannot be used afterwards."""
        self.client.close()
