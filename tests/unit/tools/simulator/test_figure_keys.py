"""Questions with a figure declare how their key is computed, and the validator's evaluator proves it."""

from __future__ import annotations

import pytest

from generation.declared import proof_of
from generation.figures.catalogue import CHARTS, PATTERNS
from generation.proof.key import Proof
from tools.simulator.asked import Asked, Wanted
from tools.simulator.content.writer import write_questions

#: Patterns with questions whose key is read off: opposite or corresponding angles are equal, and nothing is computed.
READ_OFF = {"transversal", "crossing-lines"}
SLOTS = 40
DIFFICULTIES = ("easy", "medium", "hard")


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_the_declared_expression_of_a_figure_question_proves_its_key(pattern: str) -> None:
    kind, topic = ("chart", "statistics") if pattern in CHARTS else ("diagram", "geometry")
    declared = 0
    for slot in range(SLOTS):
        difficulty = DIFFICULTIES[slot % len(DIFFICULTIES)]
        wanted = Wanted(
            slot, kind, topic=topic, section="quantitative", pattern=pattern, difficulty=difficulty
        )
        (question,) = write_questions(Asked((wanted,)), seed=f"{pattern} {slot}")
        if pattern in READ_OFF and "e" not in question:
            continue
        declared += 1
        proof = proof_of(question.get("e"), question["a"], question["d"], is_comparison=False)
        assert proof is Proof.PROVED, question
    assert declared, "no question of this pattern is computed"
