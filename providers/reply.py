"""A reply as it grows: the wire's events in, the domain's stream events out. Knows no socket."""

from __future__ import annotations

from typing import Any

from generation.model import StreamEnded, StreamEvent, StreamStarted, TextDelta, Usage
from providers.messages import CacheTtl

REFUSAL = "refusal"


class UnreadableReply(Exception):
    """The provider sent something that is no reply in the Messages format."""


class Reply:
    """What is known of one reply so far. Tolerates events, blocks and deltas it does not know."""

    def __init__(self, *, request_id: str | None, cache_ttl: CacheTtl) -> None:
        self.request_id = request_id
        self.usage = Usage()
        self.started = False
        self.is_over = False  #: the provider said that nothing more comes
        self.stop_reason: str | None = None
        self.refusal_category: str | None = None
        self._cache_ttl = cache_ttl

    def take(self, event: Any) -> StreamEvent | None:
        """The domain's event for this one of the wire, or None when it means nothing to us.

        Raises UnreadableReply when text comes before the reply has begun.
        """
        match getattr(event, "type", None):
            case "message_start":
                return self._start(getattr(event, "message", None))
            case "content_block_delta":
                return self._text(getattr(event, "delta", None))
            case "message_delta":
                self._stop(event)
            case "message_stop":
                self.is_over = True
        return None

    def ended(self) -> StreamEnded:
        """The end, once the stop reason is known."""
        if self.stop_reason is None:
            raise UnreadableReply("The reply has no stop reason.")
        return StreamEnded(stop_reason=self.stop_reason, usage=self.usage)

    def _start(self, message: Any) -> StreamStarted:
        self.started = True
        self.usage = self._counted(getattr(message, "usage", None))
        return StreamStarted(
            model=str(getattr(message, "model", "")),
            message_id=str(getattr(message, "id", "")),
            request_id=self.request_id,
            usage=self.usage,
            cache_miss_reason=_cache_miss_reason(message),
        )

    def _text(self, delta: Any) -> TextDelta | None:
        if not self.started:
            raise UnreadableReply("Text came before the reply had begun.")
        # Anything else (thinking, signatures, tool input) is not part of the answer.
        if getattr(delta, "type", None) != "text_delta":
            return None
        text = getattr(delta, "text", None)
        return TextDelta(text) if isinstance(text, str) and text else None

    def _stop(self, event: Any) -> None:
        self.usage = self._counted(getattr(event, "usage", None))
        delta = getattr(event, "delta", None)
        self.stop_reason = getattr(delta, "stop_reason", None) or self.stop_reason
        details = getattr(delta, "stop_details", None)
        self.refusal_category = getattr(details, "category", None) or self.refusal_category

    def _counted(self, wire: Any) -> Usage:
        """The counts so far. The wire's numbers are totals; what it leaves out stays as it was."""
        before = self.usage
        write_5m, write_1h = self._writes(wire)
        return Usage(
            input=_count(wire, "input_tokens", before.input),
            output=_count(wire, "output_tokens", before.output),
            cache_read=_count(wire, "cache_read_input_tokens", before.cache_read),
            cache_write_5m=write_5m,
            cache_write_1h=write_1h,
        )

    def _writes(self, wire: Any) -> tuple[int, int]:
        """Cache writes by time to live. A bare total belongs to the one we asked for."""
        before = self.usage
        split = getattr(wire, "cache_creation", None)
        if split is not None:
            return _count(split, "ephemeral_5m_input_tokens", 0), _count(
                split, "ephemeral_1h_input_tokens", 0
            )
        total = _count(wire, "cache_creation_input_tokens", before.cache_written)
        if total == before.cache_written:
            return before.cache_write_5m, before.cache_write_1h
        return (total, 0) if self._cache_ttl == "5m" else (0, total)


def _count(wire: Any, name: str, otherwise: int) -> int:
    value = getattr(wire, name, None)
    return value if isinstance(value, int) else otherwise


def _cache_miss_reason(message: Any) -> str | None:
    diagnostics = getattr(message, "diagnostics", None)
    reason = getattr(diagnostics, "cache_miss_reason", None)
    return getattr(reason, "type", None)
