"""The parser under random chunkings, truncations and single-object corruptions: no whole object may be lost.

Corruptions are done to lines, and to the same questions in wrappers and arrays on one line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from generation.parser import QuestionParser
from tools.bench.replies import reply

_LINES = 3  # of a reply: enough for a neighbour on both sides
_WRAPPERS = (
    ("[{}]", ","),
    ('{"questions":[{}]}', ","),
    ('{"exam":{"questions":[\n  {}\n]}}', ", "),
    ("{}", ""),
    ("{}", " "),
)
_NOISE = '{}[]",:\\\n a٣ق'


def torture(rounds: int, *, seed: int) -> list[dict[str, Any]]:
    """A row a kind of harm, each done a quarter of `rounds` times."""
    lines = [line for line in reply().splitlines() if line]
    return [
        {"harm": harm.__name__.strip("_").replace("_", " "), **_tortured(harm, lines, -(-rounds // 4), seed)}
        for harm in (_chunked, _cut_off, _corrupted, _corrupted_in_a_wrapper)
    ]


Harm = Callable[[list[str], Random], tuple[str, list[str]]]


def _tortured(harm: Harm, lines: list[str], rounds: int, seed: int) -> dict[str, int]:
    rng = Random(seed)
    lost = 0
    for _ in range(rounds):
        text, whole = harm(rng.sample(lines, _LINES), rng)
        found = iter(_fed(text, rng))
        # In order, and with others between them: what a broken object leaves may be objects as well.
        lost += not all(any(json.loads(line) == one for one in found) for line in whole)
    return {"replies": rounds, "with_a_whole_object_lost": lost}


def _fed(text: str, rng: Random) -> list[dict[str, Any]]:
    parser, found, at = QuestionParser(), [], 0
    longest = rng.choice((1, 5, 40, 200))
    while at < len(text):
        length = rng.randint(1, longest)
        found += parser.feed(text[at : at + length])
        at += length
    parser.finish()
    return found


def _chunked(lines: list[str], _rng: Random) -> tuple[str, list[str]]:
    return "\n".join(lines), lines


def _cut_off(lines: list[str], rng: Random) -> tuple[str, list[str]]:
    text = "\n".join(lines)
    end = rng.randrange(len(text))
    whole = [line for number, line in enumerate(lines) if len("\n".join(lines[: number + 1])) <= end]
    return text[:end], whole


def _corrupted(lines: list[str], rng: Random) -> tuple[str, list[str]]:
    parts, others = _with_one_broken(lines, rng)
    return "\n".join(parts), others


def _corrupted_in_a_wrapper(lines: list[str], rng: Random) -> tuple[str, list[str]]:
    parts, others = _with_one_broken(lines, rng)
    frame, between = rng.choice(_WRAPPERS)
    return frame.replace("{}", between.join(parts), 1), others


def _with_one_broken(lines: list[str], rng: Random) -> tuple[list[str], list[str]]:
    victim = rng.randrange(len(lines))
    line = lines[victim]
    at = rng.randrange(len(line))
    broken = rng.choice(
        (
            line[:at] + line[at + rng.randint(1, 30) :],
            line[:at] + rng.choice(_NOISE) + line[at:],
            line[:at] + rng.choice(_NOISE) + line[at + 1 :],
        )
    )
    others = lines[:victim] + lines[victim + 1 :]
    return [*lines[:victim], broken, *lines[victim + 1 :]], others
