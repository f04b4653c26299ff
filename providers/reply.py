"""A reply as it grows: the protocol's events in, the domain's stream events out. Knows no socket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from generation.model_call import StreamEnded, StreamEvent, StreamStarted, TextDelta, Usage
from providers.messages import CacheTtl
from providers.numbers import name, whole_number

REFUSAL = "refusal"

#: What gateways, and the models behind them, call the end of a reply that a filter has stopped: small letters.
_FILTERED: Final = frozenset(
    {
        *("content_filter", "content_filtered", "guardrail_intervened", "safety", "moderation"),
        *("prohibited_content", "blocklist", "recitation", "spii"),
    }
)

#: Of one call; a model's whole context is a million.
MOST_TOKENS: Final = 2_000_000


class UnreadableReply(Exception):
    """The provider sent something that is no reply in the Messages format."""


class Reply:
    """What is known of one reply so far. Tolerates events, blocks and deltas it does not know."""

    def __init__(self, *, request_id: str | None, cache_ttl: CacheTtl, asked_model: str = "") -> None:
        self.request_id = request_id
        self.started = False
        self.stop_reason: str | None = None
        self.refusal_category: str | None = None
        self._asked_model = asked_model
        self._counts = _Counts(cache_ttl)
        self._has_text = False

    @property
    def usage(self) -> Usage:
        return self._counts.usage

    @property
    def output_is_reported(self) -> bool:
        return self._counts.output_is_final and (self.usage.output > 0 or not self._has_text)

    @property
    def is_reported(self) -> bool:
        """Whether every count came from the provider, at the end of the reply."""
        return self._counts.prompt_is_reported and self.output_is_reported

    def take(self, event: Any) -> StreamEvent | None:
        """The domain's event for this one of the protocol, or None when it means nothing to us.

        Raises UnreadableReply when text comes before the reply has begun.
        """
        kind = _of(event, "type")
        if kind == "message_start":
            return self._start(_of(event, "message"))
        if kind == "content_block_delta":
            return self._text(_of(event, "delta"))
        if kind == "message_delta":
            self._stop(event)
        self._counts.add(_of(event, "usage"), is_final=True)
        return None

    @property
    def is_filtered(self) -> bool:
        """Whether a filter has stopped the reply."""
        return (self.stop_reason or "").lower().replace("-", "_") in _FILTERED

    def ended(self) -> StreamEnded:
        """The end, once the stop reason is known."""
        if self.stop_reason is None:
            raise UnreadableReply("The reply has no stop reason.")
        return StreamEnded(
            stop_reason=self.stop_reason,
            usage=self.usage,
            prompt_is_reported=self._counts.prompt_is_reported,
            output_is_reported=self.output_is_reported,
        )

    def _start(self, message: Any) -> StreamStarted:
        self.started = True
        self._counts.add(_of(message, "usage"), is_final=False)
        return StreamStarted(
            model=name(_of(message, "model")) or self._asked_model,
            message_id=name(_of(message, "id")) or "",
            request_id=self.request_id,
            usage=self.usage,
            cache_miss_reason=_cache_miss_reason(message),
            prompt_is_reported=self._counts.prompt_is_reported,
        )

    def _text(self, delta: Any) -> TextDelta | None:
        if not self.started:
            raise UnreadableReply("Text came before the reply had begun.")
        # Anything else (thinking, signatures, tool input) is not part of the answer.
        if _of(delta, "type") != "text_delta":
            return None
        text = _of(delta, "text")
        if not isinstance(text, str) or not text:
            return None
        self._has_text = True
        return TextDelta(text)

    def _stop(self, event: Any) -> None:
        delta = _of(event, "delta")
        self.stop_reason = name(_of(delta, "stop_reason")) or self.stop_reason
        details = _of(delta, "stop_details")
        self.refusal_category = name(_of(details, "category")) or self.refusal_category


class _Counts:
    """The token counts of one reply, which come in parts, again, as zeros, as text, or not at all.

    The protocol's numbers are totals: what it leaves out stays as it was, and no total shrinks. Input and cache
    counts are parts of one prompt, so of two reports the one that covers more of it holds, and the later of two
    that cover the same. A value that is no count is as if it were left out, and the report then is not whole.
    """

    def __init__(self, cache_ttl: CacheTtl) -> None:
        self.usage = Usage()
        self._has_final = False  #: output was reported after the beginning, which knows only the first token
        self._output_is_unclear = False  #: its last report was no number
        self._cache_ttl = cache_ttl
        self._has_input = False
        self._unclear: set[str] = set()  #: counts whose last report was no number

    @property
    def output_is_final(self) -> bool:
        return self._has_final and not self._output_is_unclear

    @property
    def prompt_is_reported(self) -> bool:
        usage = self.usage
        return self._has_input and not self._unclear and _prompt(usage) > 0

    def add(self, reported: Any, *, is_final: bool) -> None:
        """Take in one report of usage, of the beginning or of a later event."""
        if not isinstance(reported, dict):
            return
        before = self.usage
        prompt = self._prompt(reported)
        if _prompt(prompt) < _prompt(before):
            prompt = before
        self.usage = replace(prompt, output=self._output(reported, is_final=is_final))

    def _output(self, reported: dict[str, Any], *, is_final: bool) -> int:
        value = reported.get("output_tokens")
        output = whole_number(value, at_most=MOST_TOKENS)
        if output is None:
            self._output_is_unclear = self._output_is_unclear or value is not None
            return self.usage.output
        # The beginning's count is of a first token, which may never come.
        before = self.usage.output if self._has_final else 0
        self._has_final, self._output_is_unclear = self._has_final or is_final, False
        return max(before, output)

    def _prompt(self, reported: dict[str, Any]) -> Usage:
        before = self.usage
        given = self._count(reported, "input_tokens")
        self._has_input = self._has_input or given is not None
        read = self._count(reported, "cache_read_input_tokens")
        write_5m, write_1h = self._writes(reported)
        return Usage(
            input=before.input if given is None else given,
            cache_read=before.cache_read if read is None else read,
            cache_write_5m=write_5m,
            cache_write_1h=write_1h,
        )

    def _writes(self, reported: dict[str, Any]) -> tuple[int, int]:
        """Cache writes by time to live. What no lifetime is named for belongs to the one we asked for."""
        total = self._count(reported, "cache_creation_input_tokens")
        split = reported.get("cache_creation")
        for_5m, for_1h = self.usage.cache_write_5m, self.usage.cache_write_1h
        if isinstance(split, dict) and split:
            for_5m = self._count(split, "ephemeral_5m_input_tokens") or 0
            for_1h = self._count(split, "ephemeral_1h_input_tokens") or 0
        if total is None or total == for_5m + for_1h:
            return for_5m, for_1h
        if total < for_5m + for_1h:
            for_5m = for_1h = 0
        rest = total - for_5m - for_1h
        return (for_5m + rest, for_1h) if self._cache_ttl == "5m" else (for_5m, for_1h + rest)

    def _count(self, reported: dict[str, Any], key: str) -> int | None:
        value = reported.get(key)
        if value is None:
            return None
        count = whole_number(value, at_most=MOST_TOKENS)
        if count is None:
            self._unclear.add(key)
        else:
            self._unclear.discard(key)
        return count


def _prompt(usage: Usage) -> int:
    return usage.input + usage.cache_read + usage.cache_written


def _cache_miss_reason(message: Any) -> str | None:
    return name(_of(_of(_of(message, "diagnostics"), "cache_miss_reason"), "type"))


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None
