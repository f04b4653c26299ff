"""What a parser costs a delta: ours, and what else could cut questions out of a growing reply.

Everybody is fed the same reply in the same pieces and must come to the same questions; peers that need an
array get one. json.loads of the finished text is the yardstick: nobody who parses at all can do less.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ijson
import jiter

from tools.bench.replies import ROUNDS, Pieces, cut, ours, reply, took_us
from tools.stack.processes import PROJECT

_SIZES_KB = (16, 64, 256, 1024)


def parsing(peers: Path | None) -> list[dict[str, Any]]:
    """A row a parser: microseconds a delta, and as a multiple of json.loads of the whole."""
    text = reply()
    pieces = cut(text)
    yardstick_us = took_us(lambda: [json.loads(line) for line in text.splitlines()])
    rows = [
        _row(name, parse, pieces, yardstick_us)
        for name, parse in (("ours", ours), ("ijson items", with_ijson), ("jiter partial", with_jiter))
    ]
    if peers is not None:
        rows.append(_with_instructor(peers, pieces, yardstick_us))
    rows.append({"parser": "json.loads at the end", "us_a_reply": yardstick_us, "over_json_loads": 1.0})
    return rows


def growth() -> list[dict[str, Any]]:
    """Ours on replies up to a megabyte: microseconds a delta must not grow with the reply."""
    rows = []
    for size_kb in _SIZES_KB:
        text = reply()
        text *= size_kb * 1024 // len(text.encode()) + 1
        pieces = cut(text)
        rows.append(
            {
                "reply_kb": size_kb,
                "deltas": len(pieces),
                "us_a_delta": took_us(partial(ours, pieces)) / len(pieces),
            }
        )
    return rows


def with_ijson(pieces: Pieces) -> int:
    found: Any = ijson.sendable_list()
    parser = ijson.items_coro(found, "", multiple_values=True)
    count = 0
    for piece in pieces:
        parser.send(piece.encode())
        count += len(found)
        del found[:]
    return count


def with_jiter(pieces: Pieces) -> int:
    """The whole text again for every delta: what partial mode is for."""
    text = "["
    seen: list[Any] = []
    for piece in pieces:
        text += piece.replace("\n", ",")
        seen = jiter.from_json(text.encode(), partial_mode=True)
    return len(seen)


def _with_instructor(peers: Path, pieces: Pieces, yardstick_us: float) -> dict[str, Any]:
    done = subprocess.run(
        [str(peers), "-m", "tools.bench.arms.scanner", str(ROUNDS)],
        input=json.dumps(list(pieces)),
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    return _shown("instructor scanner", json.loads(done.stdout), len(pieces), yardstick_us)


def _row(name: str, parse: Callable[[Pieces], int], pieces: Pieces, yardstick_us: float) -> dict[str, Any]:
    if parse(pieces) != len("".join(pieces).splitlines()):
        raise AssertionError(f"{name} did not find every question.")
    return _shown(name, {"us": took_us(lambda: parse(pieces))}, len(pieces), yardstick_us)


def _shown(name: str, took: dict[str, float], deltas: int, yardstick_us: float) -> dict[str, Any]:
    return {
        "parser": name,
        "us_a_delta": took["us"] / deltas,
        "us_a_reply": took["us"],
        "over_json_loads": took["us"] / yardstick_us,
    }
