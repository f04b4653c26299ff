"""A tip and a solving strategy: asked for by a setting, never a reason to reject, and never shown before the answer."""

from __future__ import annotations

import pytest

from api.schemas import redacted
from generation.model import QuestionType, Track
from generation.plan import plan_exam
from generation.prompts.request import TOKENS_PER_HINTS, build_prompt
from generation.schema import LONGEST_HINT
from tests.support.reply_lines import question

SLOTS = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1).slots[:3]


def test_they_are_asked_for_only_when_they_are_wanted_and_the_shared_prefix_stays() -> None:
    without = build_prompt(track=Track.SCIENTIFIC, slots=SLOTS, passages={})
    wanted = build_prompt(track=Track.SCIENTIFIC, slots=SLOTS, passages={}, with_hints=True)

    assert wanted.system == without.system
    assert wanted.user.startswith(without.user)
    assert '"t"' not in without.user
    assert '"t"' in wanted.user
    assert wanted.max_tokens == without.max_tokens + len(SLOTS) * TOKENS_PER_HINTS


def test_they_are_stored_and_a_student_in_an_exam_does_not_see_them() -> None:
    accepted = question(QuestionType.MCQ, t=" جرّب الخيارات. ", s="اجمع ثم اقسم.")
    content = accepted.content()
    assert (content["tip"], content["solvingStrategy"]) == ("جرّب الخيارات.", "اجمع ثم اقسم.")
    shown = redacted({**content, "position": 0}).model_dump_json(by_alias=True)
    assert not [text for text in ("جرّب", "اجمع", "tip", "solvingStrategy") if text in shown]


@pytest.mark.parametrize("hint", [None, "", " ", 5, ["x"], "x" * (LONGEST_HINT + 1), "نص\x00", "\ud800"])
def test_an_unusable_hint_is_left_out_and_the_question_stays(hint: object) -> None:
    content = question(QuestionType.MCQ, t=hint, s=hint).content()
    assert {"tip", "solvingStrategy"}.isdisjoint(content)
