"""A reply as a timed script of SSE bytes, each made when its turn comes, as is the text in them.

Calls that arrive at once would wait for their first words until the last reply has been cut to pieces.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from random import Random
from typing import Any, NamedTuple

from tools.simulator.config import SimulatorConfig
from tools.simulator.faults import Fault
from tools.simulator.text import Text
from tools.simulator.tokens import beyond_ascii, tokens_of
from tools.simulator.usage_shapes import TRUE_SHAPE, USAGE_SHAPES, UsageShape

DELTA_CHARS = (20, 120)
PADDING = 12  #: the recorded API pads its data lines with up to this many spaces
DELTAS_PER_PING = 40
TEXT_HEAD = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":'
THOUGHT = "أراجع الخانات المطلوبة وأختار فكرة لكل سؤال."
SIGNATURE = "EqQBCkYIBxgCKkBsb2NhbC1zaW11bGF0b3Itc2lnbmF0dXJl"
DELTA_HEAD = b"event: content_block_delta\n"
EVENT_END = b"\n\n"
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
OPENROUTER_COMMENT = b": OPENROUTER PROCESSING\n\n"


class Ending(StrEnum):
    COMPLETE = "complete"
    ERROR_EVENT = "error_event"
    NO_STOP = "no_stop"
    CUT = "cut"
    RESET = "reset"
    STALLED = "stalled"


class Frame(NamedTuple):
    """Bytes to send after a wait, and how much of the reply has left when they have."""

    wait_s: float  #: simulated
    data: bytes
    tokens: int  #: of output
    lines: int = 0  #: whole ones


@dataclass
class Script:
    frames: Iterable[Frame]  #: to be gone through once
    ending: Ending = Ending.COMPLETE
    stall_s: float | None = None  #: simulated; None is until the client goes


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model is going to say."""

    message: dict[str, Any]  #: as in message_start
    text: Text
    max_tokens: int
    thinking_tokens: int = 0
    show_thinking: bool = False
    reason: str = "end_turn"  #: to stop, for a text that is not cut short
    stop_details: dict[str, Any] | None = None
    cost: Callable[[int], float] | None = None  #: of so many tokens of output, where the usage is to name it
    openrouter: bool = False

    @property
    def stop_reason(self) -> str:
        """Has the whole text written, whose end decides it."""
        return "max_tokens" if self.text.cut_short else self.reason


class Pace:
    """The waits of one stream: a median and a spread, drawn from the seed."""

    def __init__(self, config: SimulatorConfig, rng: Random, fault: Fault | None) -> None:
        slow = fault.factor if fault is not None and fault.kind == "slow" else 1.0
        late = fault.seconds or 30.0 if fault is not None and fault.kind == "slow_first_token" else 0.0
        self.first_s = config.ttft_s * math.exp(rng.gauss(0, config.jitter)) + late
        self.token_s = slow * math.exp(rng.gauss(0, config.jitter)) / config.tokens_per_s
        self._rng, self._jitter = rng, config.jitter

    def of(self, tokens: int) -> float:
        return tokens * self.token_s * max(0.2, self._rng.gauss(1, self._jitter))


def limited(draft: Draft, fault: Fault | None, rng: Random) -> Draft:
    """The draft as far as it gets: stopped by its own max_tokens, or by a fault that shortens the text."""
    room = draft.max_tokens - draft.thinking_tokens
    thinking = min(draft.thinking_tokens, draft.max_tokens)
    draft = replace(draft, text=draft.text.within(room), thinking_tokens=thinking)
    if fault is None or fault.kind not in {"refusal", "max_tokens"}:
        return draft
    text, details = draft.text.whole(), draft.stop_details
    half = rng.randint(len(text) // 3, len(text)) if fault.kind == "max_tokens" else 0
    if fault.kind == "refusal":
        details = {"type": "refusal", "category": fault.category, "explanation": None}
    shortened = Text(text[: fault.cut_position(text, default=half)])
    return replace(draft, text=shortened, reason=fault.kind, stop_details=details)


def make_script(draft: Draft, pace: Pace, rng: Random, fault: Fault | None) -> Script:
    """The stream of a limited draft, with the fault that strikes it while it runs."""
    late = fault if fault is not None and fault.kind in _ENDINGS else None
    text = draft.text
    if late is not None and late.after_bytes is None:
        whole = text.whole()
        text = Text(whole[: late.cut_position(whole, default=len(whole) // 2)])
    shape = USAGE_SHAPES[fault.usage] if fault is not None and fault.usage else TRUE_SHAPE
    begun = chain(_opening(draft, pace, shape), _deltas(text, draft, pace, rng))
    if late is None:
        novel = fault is not None and fault.kind == "unknown_event"
        return Script(chain(_with_novelty(begun) if novel else begun, _closing(draft, shape)))
    frames = list(begun)
    if late.kind == "error_event":
        frames.append(frames[-1]._replace(wait_s=0.0, data=_error_event(late)))
    if late.after_bytes is not None:
        frames += _closing(draft, shape)
        frames = _first_bytes(frames, late.after_bytes)
    return Script(frames, _ENDINGS[late.kind], late.seconds)


def _with_novelty(frames: Iterable[Frame]) -> list[Frame]:
    """With an event in their middle of which no client knows."""
    known = list(frames)
    middle = len(known) // 2
    novelty = _event("novelty", {"new": True})
    known.insert(middle, known[middle - 1]._replace(wait_s=0.0, data=novelty))
    return known


_ENDINGS = {
    "error_event": Ending.ERROR_EVENT,
    "no_stop": Ending.NO_STOP,
    "cut": Ending.CUT,
    "reset": Ending.RESET,
    "stall": Ending.STALLED,
}


def output_tokens(draft: Draft) -> int:
    """Of the whole reply, which is written for it."""
    return draft.thinking_tokens + draft.text.tokens()


def _opening(draft: Draft, pace: Pace, shape: UsageShape) -> Iterator[Frame]:
    message = draft.message | {"usage": shape.start(draft.message["usage"])}
    start = _event("message_start", {"message": message})
    if draft.openrouter:
        start = OPENROUTER_COMMENT + start
    yield Frame(pace.first_s, start, 1)
    if draft.thinking_tokens:
        yield from _thinking(draft, pace)
    index = _text_index(draft)
    block = {"index": index, "content_block": {"type": "text", "text": ""}}
    yield Frame(0.0, _event("content_block_start", block) + PING, max(1, draft.thinking_tokens))


def _thinking(draft: Draft, pace: Pace) -> Iterator[Frame]:
    """A thinking block that shows nothing (or a summary) until it is signed."""
    block = {"type": "thinking", "thinking": "", "signature": ""}
    yield Frame(0.0, _event("content_block_start", {"index": 0, "content_block": block}), 1)
    wait = pace.of(draft.thinking_tokens)
    data = b""
    if draft.show_thinking:
        thought = {"type": "thinking_delta", "thinking": THOUGHT}
        data = _event("content_block_delta", {"index": 0, "delta": thought})
    signed = {"type": "signature_delta", "signature": SIGNATURE}
    data += _event("content_block_delta", {"index": 0, "delta": signed})
    yield Frame(wait, data + _event("content_block_stop", {"index": 0}), draft.thinking_tokens)


def _deltas(text: Text, draft: Draft, pace: Pace, rng: Random) -> Iterator[Frame]:
    """Pieces of any length, cut anywhere: in a word, in an escape, between a letter and its diacritic."""
    head = TEXT_HEAD % _text_index(draft)
    position, beyond, lines, produced = 0, 0, 0, draft.thinking_tokens
    while text.reaches(position):
        piece = text.part(position, position + rng.randint(*DELTA_CHARS))
        position += len(piece)
        beyond += beyond_ascii(piece)
        lines += piece.count("\n")
        before, produced = produced, draft.thinking_tokens + tokens_of(position, beyond)
        data = f"{head}{json.dumps(piece, ensure_ascii=False)}}}}}{' ' * rng.randrange(PADDING)}\n\n"
        ping = PING if rng.randrange(DELTAS_PER_PING) == 0 else b""
        wait_s = pace.of(produced - before)
        yield Frame(wait_s, data.encode() + ping, produced, lines)


def _closing(draft: Draft, shape: UsageShape) -> Iterator[Frame]:
    tokens = output_tokens(draft)
    usage: dict[str, Any] = dict(draft.message["usage"]) | {"output_tokens": tokens}
    if draft.cost is not None:
        usage["cost"] = draft.cost(tokens)
    usage.pop("cache_creation", None)
    if draft.thinking_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": draft.thinking_tokens}
    delta = {"stop_reason": draft.stop_reason, "stop_sequence": None, "stop_details": draft.stop_details}
    end = _event("content_block_stop", {"index": _text_index(draft)})
    for reported in shape.end(usage):
        end += _event("message_delta", {"delta": delta, "usage": reported})
    lines = draft.text.whole().count("\n")
    yield Frame(0.0, end, tokens, lines)
    yield Frame(0.0, _event("message_stop", {}), tokens, lines)


def _text_index(draft: Draft) -> int:
    return 1 if draft.thinking_tokens else 0


def _error_event(fault: Fault) -> bytes:
    if fault.names_status is not None:
        bare = {"error": {"code": fault.names_status, "message": fault.message or "Provider returned error"}}
        return b"data: " + json.dumps(bare).encode() + b"\n\n"
    error = {
        "type": fault.error_type or "overloaded_error",
        "message": fault.message or "Overloaded",
    }
    return b"event: error\ndata: " + json.dumps({"type": "error", "error": error}).encode() + b"\n\n"


def _event(name: str, fields: dict[str, Any]) -> bytes:
    data = json.dumps({"type": name, **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()


def _first_bytes(frames: list[Frame], limit: int) -> list[Frame]:
    """The frames as far as they get; what one that is cut was about to say has not left."""
    kept: list[Frame] = []
    tokens, lines = 0, 0
    for frame in frames:
        if len(frame.data) > limit:
            if _delta_is_whole(frame, limit):  # the ping behind it is what is cut
                tokens, lines = frame.tokens, frame.lines
            kept.append(Frame(frame.wait_s, frame.data[:limit], tokens, lines))
            break
        kept.append(frame)
        limit -= len(frame.data)
        tokens, lines = frame.tokens, frame.lines
    return kept


def _delta_is_whole(frame: Frame, limit: int) -> bool:
    end = frame.data.find(EVENT_END)
    return frame.data.startswith(DELTA_HEAD) and 0 <= end <= limit - len(EVENT_END)
