"""A reply as it grows: the protocol's events in, the domain's stream events out. Knows no socket."""

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
        self.stop_reason: str | None = None
        self.refusal_category: str | None = None
        self._cache_ttl = cache_ttl

    def take(self, event: Any) -> StreamEvent | None:
        """The domain's event for this one of the protocol, or None when it means nothing to us.

        Raises UnreadableReply when text comes before the reply has begun.
        """
        match _of(event, "type"):
            case "message_start":
                return self._start(_of(event, "message"))
            case "content_block_delta":
                return self._text(_of(event, "delta"))
            case "message_delta":
                self._stop(event)
        return None

    def ended(self) -> StreamEnded:
        """The end, once the stop reason is known."""
        if self.stop_reason is None:
            raise UnreadableReply("The reply has no stop reason.")
        return StreamEnded(stop_reason=self.stop_reason, usage=self.usage)

    def _start(self, message: Any) -> StreamStarted:
        self.started = True
        self.usage = self._counted(_of(message, "usage"))
        return StreamStarted(
            model=str(_of(message, "model") or ""),
            message_id=str(_of(message, "id") or ""),
            request_id=self.request_id,
            usage=self.usage,
            cache_miss_reason=_cache_miss_reason(message),
        )

    def _text(self, delta: Any) -> TextDelta | None:
        if not self.started:
            raise UnreadableReply("Text came before the reply had begun.")
        # Anything else (thinking, signatures, tool input) is not part of the answer.
        if _of(delta, "type") != "text_delta":
            return None
        text = _of(delta, "text")
        return TextDelta(text) if isinstance(text, str) and text else None

    def _stop(self, event: Any) -> None:
        self.usage = self._counted(_of(event, "usage"))
        delta = _of(event, "delta")
        self.stop_reason = _of(delta, "stop_reason") or self.stop_reason
        details = _of(delta, "stop_details")
        self.refusal_category = _of(details, "category") or self.refusal_category

    def _counted(self, transport: Any) -> Usage:
        """The counts so far. The protocol's numbers are totals; what it leaves out stays as it was."""
        before = self.usage
        write_5m, write_1h = self._writes(transport)
        return Usage(
            input=_count(transport, "input_tokens", before.input),
            output=_count(transport, "output_tokens", before.output),
            cache_read=_count(transport, "cache_read_input_tokens", before.cache_read),
            cache_write_5m=write_5m,
            cache_write_1h=write_1h,
        )

    def _writes(self, transport: Any) -> tuple[int, int]:
        """Cache writes by time to live. A bare total belongs to the one we asked for."""
        before = self.usage
        split = _of(transport, "cache_creation")
        if split is not None:
            return _count(split, "ephemeral_5m_input_tokens", 0), _count(
                split, "ephemeral_1h_input_tokens", 0
            )
        total = _count(transport, "cache_creation_input_tokens", before.cache_written)
        if total == before.cache_written:
            return before.cache_write_5m, before.cache_write_1h
        return (total, 0) if self._cache_ttl == "5m" else (0, total)


def _count(transport: Any, name: str, otherwise: int) -> int:
    value = _of(transport, name)
    return value if isinstance(value, int) else otherwise


def _cache_miss_reason(message: Any) -> str | None:
    reason = _of(_of(_of(message, "diagnostics"), "cache_miss_reason"), "type")
    return reason if isinstance(reason, str) else None


def _of(transport: Any, name: str) -> Any:
    return transport.get(name) if isinstance(transport, dict) else None
