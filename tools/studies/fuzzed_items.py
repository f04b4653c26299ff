"""Items broken at random never become a bad row: `python -m tools.studies.fuzzed_items [--items 100000]`.

Each item is a simulator's line with a planted fault, random edits, or both. The validator must not raise, and what it
accepts must be storable, have four different choices, its key where it says, and a proof only where it is one.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from generation.declared import proof_of
from generation.model import (
    CHOICES_PER_QUESTION,
    COMPARISON_CHOICES,
    Question,
    QuestionType,
    Slot,
    Track,
)
from generation.normalization import normalize
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from generation.proof.key import Proof
from generation.repeats.seen import Seen
from generation.validator import Accepted, Validator
from tools.simulator.asked import read_asked
from tools.simulator.content.memory import Memory
from tools.simulator.content.planting import PLANTERS, planted
from tools.simulator.content.writer import write_questions

_SIGNS = 'أب ج0123456789٣/*|+-=()%√²«»؟.،\u202e\u200f\x00\ud800{}"\\$<>π½'
_OFTEN, _MOSTLY = 0.5, 0.8
_ODD: tuple[object, ...] = (
    None,
    True,
    7,
    1e308,
    [],
    {},
    "",
    " ",
    ["1", "1", "1"],
    {"pattern": "x"},
    "0" * 5_000,
)


def lines(seed: int) -> Iterator[tuple[Slot, dict[str, Any]]]:
    """The slots of one exam with the lines of a sound writer."""
    plan, memory = plan_exam(list(Track)[seed % 2], batch_size=10, seed=seed), Memory()
    for batch in plan.batches:
        slots = plan.slots_of(batch)
        asked = read_asked(build_prompt(track=plan.track, slots=slots, passages={}).user)
        yield from zip(slots, write_questions(asked, seed=str(seed), memory=memory), strict=True)


def broken(line: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    item = dict(line)
    if rng.random() < _OFTEN:
        item = planted(item, tuple(PLANTERS), rng)
    for _ in range(rng.randrange(4)):
        name = rng.choice([*item, "e", "zz"])
        item[name] = _edited(item.get(name), rng) if rng.random() < _MOSTLY else rng.choice(_ODD)
    return item


def _edited(value: object, rng: Random) -> object:
    if isinstance(value, list) and value:
        return [
            _edited(each, rng) if rng.random() < _OFTEN else each for each in rng.choices(value, k=len(value))
        ]
    if not isinstance(value, str) or not value:
        return "".join(rng.choices(_SIGNS, k=rng.randrange(20)))
    at = rng.randrange(len(value))
    return value[:at] + "".join(rng.choices(_SIGNS, k=rng.randrange(4))) + value[at + rng.randrange(3) :]


def badness(question: Question) -> str | None:
    """Why the accepted question is a bad row, or None."""
    json.dumps(question.content(), ensure_ascii=False).encode()
    is_comparison = question.slot.question_type is QuestionType.COMPARISON
    key = question.choices[question.answer_index]
    if len({normalize(choice) for choice in question.choices}) != CHOICES_PER_QUESTION:
        return "equal choices"
    if is_comparison and question.choices != COMPARISON_CHOICES:
        return "other choices of a comparison"
    if "\x00" in json.dumps(question.content(), ensure_ascii=False):
        return "what Postgres cannot store"
    others = [choice for choice in question.choices if choice != key]
    proof = proof_of(question.declared, key, others, is_comparison=is_comparison)
    if proof in {Proof.WRONG_KEY, Proof.RIGHT_DISTRACTOR} or question.proved is not (proof is Proof.PROVED):
        return "a proof that is none"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    wanted, done, bad = parser.parse_args().items, 0, Counter[str]()
    accepted, seed = 0, 0
    while done < wanted:
        rng = Random(seed)
        for slot, line in lines(seed):
            validator = Validator([slot], seen=Seen(), seed=seed)
            verdict = validator.judge(broken(line, rng))
            done += 1
            if isinstance(verdict, Accepted):
                accepted += 1
                if reason := badness(verdict.question):
                    bad[reason] += 1
        seed += 1
    print(
        f"{done} items: {accepted} accepted, {done - accepted} rejected, {sum(bad.values())} bad rows {dict(bad)}"
    )


if __name__ == "__main__":
    main()
