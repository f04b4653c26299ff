"""What a reply of the Messages API looks like as far as we build on it, and how a recorded one differs.

The simulator sends what is expected here; a test holds it to that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from statistics import median
from typing import Any, Final

from providers.recording import Recording

#: The events of a stream in order of their first coming; pings may stand anywhere.
ORDER: Final = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
)
PING: Final = "ping"
USAGE_AT_THE_START: Final = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
STOP_REASON: Final = "end_turn"
#: What our rate limiter and our log read of a reply's head.
HEADERS: Final = (
    "request-id",
    *(
        f"anthropic-ratelimit-{kind}-{what}"
        for kind in ("requests", "input-tokens", "output-tokens")
        for what in ("limit", "remaining")
    ),
)
#: Characters of a text delta, in the middle: recorded ones had 20 to 120.
DELTA_CHARS: Final = (5, 200)
#: Seconds until the first text, and output tokens a second, around the medians of 1 s and 100 tokens/s.
FIRST_TEXT_S: Final = (0.2, 4.0)
TOKENS_PER_S: Final = (30.0, 300.0)


def differences(recording: Recording) -> list[str]:
    """A sentence for each way in which this complete reply differs from what we build on."""
    if recording.status != HTTPStatus.OK:
        return [f"The answer has the status {recording.status} where 200 is expected."]
    return [
        *_of_the_head(recording.headers),
        *_of_the_order(recording.events()),
        *_of_the_usage(recording.events()),
        *_of_the_text(recording.events()),
    ]


def _of_the_head(headers: Mapping[str, str]) -> Iterator[str]:
    kind = headers.get("content-type", "none")
    if not kind.startswith("text/event-stream"):
        yield f"The content type is {kind[:100]!r} where 'text/event-stream' is expected."
    for name in HEADERS:
        if name not in headers:
            yield f"The head lacks {name!r}, which the rate limiter or the log reads."


def _of_the_order(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    kinds = [_name(event.get("type")) for event in events]
    for kind, number in sorted(Counter(kinds).items()):
        if kind not in {*ORDER, PING}:
            yield f"The stream has {number} events of the type {kind!r}, which we do not know and pass over."
    first = list(dict.fromkeys(kind for kind in kinds if kind in ORDER))
    if first != list(ORDER):
        yield f"The events come as {', '.join(first) or 'nothing'} where {', '.join(ORDER)} is expected."


def _of_the_usage(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    at_the_start = _usage(next((_dict(event.get("message")) for event in events if "message" in event), {}))
    for name in USAGE_AT_THE_START:
        if not isinstance(at_the_start.get(name), int):
            yield f"The usage at the start has no number {name!r}."
    ends: list[Mapping[str, Any]] = [event for event in events if event.get("type") == "message_delta"]
    last = ends[-1] if ends else {}
    if not isinstance(_usage(last).get("output_tokens"), int):
        yield "The usage at the end has no number 'output_tokens'."
    reason = _dict(last.get("delta")).get("stop_reason")
    if reason != STOP_REASON:
        yield f"The reply stopped with {_name(reason)!r} where {STOP_REASON!r} is expected."


def _of_the_text(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    deltas = [_dict(event.get("delta")) for event in events if event.get("type") == "content_block_delta"]
    kinds = {_name(delta.get("type")) for delta in deltas}
    if kinds - {"text_delta"}:
        yield f"The deltas are of the types {', '.join(sorted(kinds))} where text_delta alone is expected."
    lengths = [len(text) for delta in deltas if isinstance(text := delta.get("text"), str)]
    least, most = DELTA_CHARS
    if lengths and not least <= median(lengths) <= most:
        yield f"A text delta has {median(lengths):.0f} characters in the middle where {least} to {most} are expected."


def time_differences(*, first_text_s: float | None, tokens_per_s: float | None) -> list[str]:
    """The same for the times of a call: seconds until its first text, and output tokens a second after that."""
    found = []
    if first_text_s is not None and not FIRST_TEXT_S[0] <= first_text_s <= FIRST_TEXT_S[1]:
        found.append(
            f"The first text came after {first_text_s:.2f} s where {FIRST_TEXT_S[0]} to {FIRST_TEXT_S[1]} s are expected."
        )
    if tokens_per_s is not None and not TOKENS_PER_S[0] <= tokens_per_s <= TOKENS_PER_S[1]:
        found.append(
            f"The reply came with {tokens_per_s:.0f} tokens a second where {TOKENS_PER_S[0]:.0f} to "
            f"{TOKENS_PER_S[1]:.0f} are expected."
        )
    return found


def final_usage(events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The reply's own numbers, the later ones first in rank, read by the plainest means."""
    found: dict[str, int] = {}
    for event in events:
        for usage in (_usage(_dict(event.get("message"))), _usage(event)):
            found |= {name: value for name, value in usage.items() if isinstance(value, int)}
    return found


def _usage(holder: Mapping[str, Any]) -> dict[str, Any]:
    return _dict(holder.get("usage"))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(value: object) -> str:
    """A name of the provider's, short enough to print."""
    return str(value)[:60]
