"""How gateways report the usage of a reply: wrongly, in pieces, or not at all. The bill stays what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Usage = dict[str, Any]

_ZEROS = {"input_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}


class UsageShape(NamedTuple):
    """What each part of the stream reports, made from the true usage."""

    start: Callable[[Usage], Usage | None]  #: in message_start
    end: Callable[[Usage], list[Usage | None]]  #: in one message_delta each


def _same(usage: Usage) -> Usage:
    return usage


def _each(change: Callable[[int], Any]) -> Callable[[Usage], Usage]:
    def changed(usage: Usage) -> Usage:
        return {name: change(count) if isinstance(count, int) else count for name, count in usage.items()}

    return changed


def _output(value: Any) -> Callable[[Usage], list[Usage | None]]:
    return lambda usage: [usage | {"output_tokens": value}]


def _parts(usage: Usage) -> list[Usage | None]:
    prompt = {name: count for name, count in usage.items() if name != "output_tokens"}
    return [{"output_tokens": usage["output_tokens"]}, None, prompt]


USAGE_SHAPES: Mapping[str, UsageShape] = {
    "zeros_at_end": UsageShape(_same, lambda usage: [usage | _ZEROS]),
    "output_only_at_end": UsageShape(_same, lambda usage: [{"output_tokens": usage["output_tokens"]}]),
    "zeros_at_start": UsageShape(lambda _: _ZEROS | {"output_tokens": 0}, lambda usage: [usage]),
    "parts": UsageShape(lambda _: None, _parts),
    "repeated": UsageShape(_same, lambda usage: [usage, usage, usage]),
    "floats": UsageShape(_each(float), lambda usage: [_each(float)(usage)]),
    "strings": UsageShape(_each(str), lambda usage: [_each(lambda count: f"{count}.0")(usage)]),
    "negative": UsageShape(_same, _output(-5)),
    "huge": UsageShape(_same, _output(10**30)),
    "bool": UsageShape(_same, _output(True)),
    "no_end": UsageShape(_same, lambda _: [None]),
    "none": UsageShape(lambda _: None, lambda _: [None]),
}
TRUE_SHAPE = UsageShape(_same, lambda usage: [usage])
