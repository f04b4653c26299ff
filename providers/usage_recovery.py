"""The usage of a reply that did not report it: the provider is asked; where it cannot say, the usage is estimated.

A whole reply ends with its usage. A cut, stalled or stopped one never does, and is billed all the same: its
input is known from its beginning, its output has to be found out. Some gateways report nothing at all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import anthropic
from anthropic.types import MessageTokensCount

from generation.model_call import Billed, Prompt, StreamStarted, Usage, UsageSource
from providers.client import CALL_FAILURES
from providers.messages import CacheTtl
from providers.numbers import whole_number
from providers.profiles import ModelProfile, ThinkingOff
from providers.reply import MOST_TOKENS

#: A run must not wait long for a number that only the ledger needs.
_TIMEOUT_S = 2

#: When to look for OpenRouter's record of a call, which is written a moment after its end. Seconds.
_LOOKS_AFTER_S = (0.0, 0.3, 0.9)

#: The fewest letters that one token stands for, when nobody can count: the estimate is rather too high.
_LETTERS_PER_TOKEN = 2

#: The last two: an answer of another shape.
_FAILURES = (*CALL_FAILURES, AttributeError, TypeError)


class OutputCounter(Protocol):
    def __call__(self, started: StreamStarted, text: str, /) -> int | None:
        """The output tokens of a reply that broke off after `text`, or None when they cannot be had."""


def settle(started: StreamStarted, text: str, *, profile: ModelProfile, count: OutputCounter) -> Billed:
    """The usage of a reply that broke off after `text`. Never raises.

    A model that may have thought unseen has used more than what can be counted: that is an estimate, too.
    """
    counted = count(started, text) if text.strip() else started.usage.output
    output = len(text) // _LETTERS_PER_TOKEN if counted is None else counted
    is_sure = counted is not None and started.prompt_is_reported and _cannot_think(profile)
    return Billed(
        replace(started.usage, output=max(output, started.usage.output)),
        UsageSource.COUNTED if is_sure else UsageSource.ESTIMATED,
    )


def prompt_estimate(prompt: Prompt, *, ttl: CacheTtl, writes_prefix: bool) -> Usage:
    """The prompt's tokens from its letters, where the provider does not say: the system part as it was asked for."""
    system = sum(len(block.text) for block in prompt.system) // _LETTERS_PER_TOKEN
    own = max(1, len(prompt.user) // _LETTERS_PER_TOKEN)
    if not writes_prefix:
        return Usage(input=own, cache_read=system)
    return Usage(
        input=own, cache_write_5m=system if ttl == "5m" else 0, cache_write_1h=system if ttl == "1h" else 0
    )


def _cannot_think(profile: ModelProfile) -> bool:
    return profile.known and profile.thinking_off is not ThinkingOff.IMPOSSIBLE


class TokenCounter:
    """Counts with the model's own tokenizer: free, and within a rate limit of its own.

    The API counts messages, not texts, so what a message adds to its text is measured once and taken off.
    """

    def __init__(self, client: anthropic.Anthropic, model: str) -> None:
        self._client = client
        self._model = model
        self._added: int | None = None

    def __call__(self, _started: StreamStarted, text: str) -> int | None:
        try:
            return max(0, self._message(text) - self._added_by_a_message())
        except _FAILURES:
            return None

    def _added_by_a_message(self) -> int:
        # Two threads may both measure it: they find the same.
        if self._added is None:
            self._added = self._message("a") - 1
        return self._added

    def _message(self, text: str) -> int:
        # Not `messages.count_tokens`: it warns of deprecated models, as `messages.create` does.
        counted = self._client.post(
            "/v1/messages/count_tokens",
            body={"model": self._model, "messages": [{"role": "user", "content": text}]},
            cast_to=MessageTokensCount,
            options={"timeout": _TIMEOUT_S},
        )
        tokens = whole_number(counted.input_tokens, at_most=MOST_TOKENS)
        if tokens is None:
            raise ValueError("The count is no number.")
        return tokens


class GenerationRecord:
    """Reads OpenRouter's own record of the call, which says what it billed."""

    def __init__(self, client: anthropic.Anthropic) -> None:
        self._client = client

    def __call__(self, started: StreamStarted, _text: str) -> int | None:
        for pause_s in _LOOKS_AFTER_S:
            time.sleep(pause_s)
            tokens = self._look(started.request_id or started.message_id)
            if tokens is not None:
                return tokens
        return None

    def _look(self, generation_id: str) -> int | None:
        try:
            record = self._client.get(
                "/v1/generation",
                cast_to=object,
                options={"timeout": _TIMEOUT_S, "params": {"id": generation_id}},
            )
        except _FAILURES:
            return None
        return _completion_tokens(record)


def _completion_tokens(record: Any) -> int | None:
    data = record.get("data") if isinstance(record, Mapping) else None
    tokens = data.get("native_tokens_completion") if isinstance(data, Mapping) else None
    return whole_number(tokens, at_most=MOST_TOKENS)
