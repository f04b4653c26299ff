"""The solver's answers: to questions that this simulator has written, by what it remembers of them.

A question that it does not know gets no answer, as if the model had left it out.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tools.simulator.config import SimulatorConfig
from tools.simulator.content.draft import COMPARISONS
from tools.simulator.json_text import decode

KEPT_ANSWERS = 20_000
WORKING_CHARS = 200  #: a solver works shorter than a writer explains


@dataclass(frozen=True, slots=True)
class Posed:
    """One question that the message asks the answer of."""

    slot: int
    stem: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    answer: str
    working: str
    written: str  #: the key that the writer wrote beside it


class Answers:
    """The right answers of the latest questions, whatever key was written beside them."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, frozenset[str]], Known] = OrderedDict()

    def keep(self, question: dict[str, Any], written: str) -> None:
        """Remember a question as it was thought of, and the key that is written beside it."""
        choices = (question["a"], *question["d"]) if "d" in question else COMPARISONS
        self._known[_name(question["q"], choices)] = Known(
            question["a"], question["w"][:WORKING_CHARS], written
        )
        if len(self._known) > KEPT_ANSWERS:
            self._known.popitem(last=False)

    def of(self, posed: Posed) -> Known | None:
        return self._known.get(_name(posed.stem, posed.choices))

    def clear(self) -> None:
        self._known.clear()


def _name(stem: str, choices: Iterable[str]) -> tuple[str, frozenset[str]]:
    """A stem alone is no question: it may be asked about many passages and figures."""
    return " ".join(stem.split()), frozenset(choices)


def read_posed(text: str) -> tuple[Posed, ...]:
    """The lines that are JSON objects with a slot and choices."""
    return tuple(_posed(text))


def _posed(text: str) -> Iterator[Posed]:
    for line in text.splitlines():
        if line.startswith('{"slot":') and '"choices":' in line:
            try:
                asked = decode(line)
            except ValueError:
                continue
            yield Posed(int(asked["slot"]), str(asked["q"]), tuple(asked["choices"]))


def write_answers(posed: Iterable[Posed], answers: Answers, config: SimulatorConfig, source: str) -> str:
    """A line for each known question. The same seed and `source` give the same text."""
    rng = Random(f"{config.seed}:solver:{source}")
    lines = []
    for question in posed:
        errs = rng.random() < config.wrong_dispute_rate
        doubts = rng.random() < config.language_doubt_rate
        known = answers.of(question)
        if known is None:
            continue
        answer = known.written if _is_shared(question, known, config) else known.answer
        chosen = _error(question, known, config, rng) if errs else question.choices.index(answer)
        words = " ".join(question.stem.split()[:2]) if doubts else ""
        line = {"slot": question.slot, "w": known.working, "a": chosen, "l": words}
        lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
    return "\n".join(lines) + "\n"


def _error(question: Posed, known: Known, config: SimulatorConfig, rng: Random) -> int | None:
    """A wrong answer: the writer's at its stated rate, if that is wrong, else one of the others, or none."""
    others: list[int | None] = [None, *range(len(question.choices))]
    others.remove(question.choices.index(known.answer))
    if not _is_mistaken(question, known):
        return rng.choice(others)
    written = question.choices.index(known.written)
    others.remove(written)
    return written if rng.random() < config.same_error_rate else rng.choice(others)


def _is_mistaken(question: Posed, known: Known) -> bool:
    return known.written != known.answer and known.written in question.choices


def _is_shared(question: Posed, known: Known, config: SimulatorConfig) -> bool:
    """Whether the solver takes the writer's mistake for right, each time it looks at the question."""
    if not _is_mistaken(question, known):
        return False
    rng = Random(f"{config.seed}:shared:{question.stem}:{sorted(question.choices)}")
    return rng.random() < config.shared_mistake_rate
