"""The simulator's quantitative templates: their keys are right, and difficulty chooses among them by steps."""

from __future__ import annotations

import pytest

from generation.declared import proof_of
from generation.proof.key import Proof
from tools.simulator.asked import Wanted
from tools.simulator.content.registry import templates_for
from tools.simulator.content.scene import LEVELS, Scene

TOPICS = ("algebra", "geometry", "statistics", "ratio-proportion", "probability", "speed-time-distance")
SCENES = 20
STEM_WORDS = 60


def wanted(topic: str, kind: str, difficulty: str, *, slot: int = 0, subtopic: str = "") -> Wanted:
    return Wanted(slot, kind, topic=topic, section="quantitative", subtopic=subtopic, difficulty=difficulty)


@pytest.mark.parametrize("difficulty", LEVELS)
@pytest.mark.parametrize("kind", ["mcq", "comparison"])
@pytest.mark.parametrize("topic", TOPICS)
def test_what_a_template_declares_proves_its_key(topic: str, kind: str, difficulty: str) -> None:
    for template in templates_for(wanted(topic, kind, difficulty="")):
        for slot in range(SCENES):
            draft = template(Scene(wanted(topic, kind, difficulty, slot=slot), seed="proof"))
            if len({draft.answer, *draft.wrong}) <= len(draft.wrong):
                continue  # the writer takes another scene
            assert len(draft.stem.split()) <= STEM_WORDS, draft.stem
            proof = proof_of(draft.declared, draft.answer, draft.wrong, is_comparison=kind == "comparison")
            assert draft.declared is None or proof is Proof.PROVED, draft


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_has_other_questions_for_each_difficulty(topic: str) -> None:
    easy, medium, hard = (set(templates_for(wanted(topic, "mcq", difficulty))) for difficulty in LEVELS)
    assert all((easy, medium, hard))
    assert len(easy | medium | hard) == len(easy) + len(medium) + len(hard)


def test_a_subtopic_keeps_its_own_templates_whatever_the_difficulty() -> None:
    subtopic = "معادلة من الدرجة الأولى"
    known = set(templates_for(wanted("algebra", "mcq", "", subtopic=subtopic)))
    chosen = [templates_for(wanted("algebra", "mcq", difficulty, subtopic=subtopic)) for difficulty in LEVELS]
    assert set().union(*chosen) == known
    assert sum(map(len, chosen)) == len(known) == 3


def test_where_no_template_has_the_difficulty_the_nearest_one_serves() -> None:
    easy, medium, hard = (
        templates_for(wanted("speed-time-distance", "mcq", difficulty, subtopic="سرعة الإنجاز"))
        for difficulty in LEVELS
    )
    assert hard == medium != easy
