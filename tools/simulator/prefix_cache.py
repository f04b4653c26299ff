"""The prompt cache: entries keyed by an exact prefix, readable once a response that writes them has begun."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tools.simulator.catalogue import ModelProfile
from tools.simulator.tokens import count_tokens

TTL_S = {"5m": 300.0, "1h": 3600.0}
LOOKBACK_BLOCKS = 20


@dataclass(frozen=True, slots=True)
class PrefixBlock:
    """One block of the prompt in prefix order."""

    digest: str  #: of everything up to and including this block
    tokens: int  #: of everything up to and including this block
    ttl: str | None  #: the breakpoint behind it, if there is one


@dataclass(frozen=True, slots=True)
class CachePlan:
    """What one request reads and writes, decided when it arrives."""

    input: int
    read: int
    write_5m: int
    write_1h: int
    touched: tuple[tuple[str, str], ...]  #: digest and lifetime of each entry to write or refresh
    arrived_at: float


class PromptCache:
    """The entries of one organization. Clocks are seconds of the caller's choosing."""

    def __init__(self) -> None:
        self._expires: dict[str, float] = {}

    def look_up(self, blocks: list[PrefixBlock], profile: ModelProfile, now: float) -> CachePlan:
        """Find the longest readable prefix. Writes nothing: an entry exists from `begin` on."""
        marks = [(i, block) for i, block in enumerate(blocks) if block.ttl is not None]
        marks = [(i, block) for i, block in marks if block.tokens >= profile.cache_minimum]
        total = blocks[-1].tokens if blocks else 0
        if not marks:
            return CachePlan(total, 0, 0, 0, (), now)
        found = self._longest_hit(blocks, [i for i, _ in marks], now)
        read = blocks[found].tokens if found is not None else 0
        written = {"5m": 0, "1h": 0}
        done = read
        for i, block in marks:
            if found is None or i > found:
                written[block.ttl or "5m"] += block.tokens - done
                done = block.tokens
        touched = [(block.digest, block.ttl or "5m") for _, block in marks]
        if found is not None and blocks[found].ttl is None:
            touched.append((blocks[found].digest, "5m"))
        return CachePlan(total - done, read, written["5m"], written["1h"], tuple(touched), now)

    def begin(self, plan: CachePlan) -> None:
        """The response has begun: its entries are readable, their clock runs from the request's arrival."""
        for digest, ttl in plan.touched:
            lifetime = plan.arrived_at + TTL_S[ttl]
            self._expires[digest] = max(self._expires.get(digest, 0.0), lifetime)

    def clear(self) -> None:
        self._expires.clear()

    def _longest_hit(self, blocks: list[PrefixBlock], marks: list[int], now: float) -> int | None:
        for mark in reversed(marks):
            for i in range(mark, max(mark - LOOKBACK_BLOCKS, -1), -1):
                if self._expires.get(blocks[i].digest, 0.0) > now:
                    return i
        return None


def prefix_of(body: dict[str, Any], profile: ModelProfile) -> list[PrefixBlock]:
    """The prompt as blocks in prefix order: tools, system, messages; each digest covers all before it."""
    chain = hashlib.sha256(profile.id.encode())
    settings = _settings(body, profile)
    output_format = (body.get("output_config") or {}).get("format")
    if output_format is not None:
        chain.update(_bytes(output_format))
    found: list[PrefixBlock] = []
    total = 0
    for level, block in _levelled(body):
        if level == "enter":
            chain.update(_entering(block, body, settings, profile))
            continue
        chain.update(_bytes({k: v for k, v in _with_digests(block).items() if k != "cache_control"}))
        total += _tokens(block)
        control = block.get("cache_control")
        ttl = (control.get("ttl") or "5m") if control else None
        found.append(PrefixBlock(chain.hexdigest(), total, ttl))
    return _automatic(found, body)


def level_digests(body: dict[str, Any], profile: ModelProfile) -> dict[str, str]:
    """One digest a level, to say where two requests part."""
    system = [_with_digests(block) for block in _text_blocks(body.get("system") or [])]
    levels = {
        "model": profile.id,
        "tools": body.get("tools") or [],
        "system": [system, _settings(body, profile)],
        "messages": body.get("messages") or [],
    }
    return {level: hashlib.sha256(_bytes(value)).hexdigest() for level, value in levels.items()}


def _settings(body: dict[str, Any], profile: ModelProfile) -> dict[str, Any]:
    """Thinking and effort as rendered into the prompt: sending a default equals leaving it out."""
    thinking = body.get("thinking") or {"type": profile.thinking_default}
    effort = (body.get("output_config") or {}).get("effort") or profile.default_effort
    return {"thinking": thinking, "effort": effort}


def _entering(
    level: dict[str, Any], body: dict[str, Any], settings: dict[str, Any], profile: ModelProfile
) -> bytes:
    name = level["level"]
    parts: list[Any] = [name]
    if name == profile.settings_level:
        parts.append(settings)
    if name == "messages":
        parts.append(body.get("tool_choice"))
    return _bytes(parts)


def _levelled(body: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    for tool in body.get("tools") or []:
        yield "block", tool
    yield "enter", {"level": "system"}
    yield from (("block", block) for block in _text_blocks(body.get("system") or []))
    yield "enter", {"level": "messages"}
    for message in body.get("messages") or []:
        for block in _text_blocks(message["content"]):
            yield "block", {"role": message["role"], **block}


def _text_blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _automatic(blocks: list[PrefixBlock], body: dict[str, Any]) -> list[PrefixBlock]:
    """Top-level cache_control puts one more breakpoint on the last block."""
    control = body.get("cache_control")
    if not control or not blocks:
        return blocks
    last = blocks[-1]
    return [*blocks[:-1], PrefixBlock(last.digest, last.tokens, control.get("ttl") or "5m")]


def _tokens(block: dict[str, Any]) -> int:
    text = block.get("text")
    return (
        _text_tokens(text) if isinstance(text, str) else count_tokens(json.dumps(block, ensure_ascii=False))
    )


def _bytes(value: Any) -> bytes:
    """Key order is kept: the cache compares bytes, so another order is another prefix."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _with_digests(block: dict[str, Any]) -> dict[str, Any]:
    """The block with its text's digest for its text: the same long texts come with every request."""
    text = block.get("text")
    return {**block, "text": _text_digest(text)} if isinstance(text, str) else block


@lru_cache(maxsize=64)
def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=64)
def _text_tokens(text: str) -> int:
    return count_tokens(text)
