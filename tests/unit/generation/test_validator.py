"""Only an object that fits its slot, has one key and repeats nothing becomes a question; others are not affected."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.figures.catalogue import diagram, parse
from generation.model import (
    COMPARISON_CHOICES,
    EarlierQuestion,
    QuestionType,
)
from generation.normalization import normalize
from generation.repeats.seen import Seen
from generation.validator import Accepted, Rejected, Validator
from tests.support.reply_lines import (
    PASSAGE,
    TYPES,
    line,
    question,
    reason,
    slot_for,
    validator_for,
)

# --- what is accepted -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", QuestionType)
def test_a_good_question_of_every_type_is_accepted_as_written(kind: QuestionType) -> None:
    written = line(kind)
    accepted = question(kind)
    assert (accepted.stem, accepted.explanation) == (written["q"], written["w"])
    assert accepted.passage == written.get("p")
    assert accepted.diagram == (diagram(parse(written["f"])) if "f" in written else None)
    assert accepted.choices[accepted.answer_index] == written["a"]
    assert set(accepted.choices) == {written["a"], *written.get("d", COMPARISON_CHOICES)}


@given(TYPES, st.integers(0, 3))
def test_the_key_is_where_the_plan_wants_it_d19(kind: QuestionType, key_index: int) -> None:
    verdict = validator_for(slot_for(kind, key_index=key_index)).judge(line(kind))
    assert isinstance(verdict, Accepted)
    expected = 2 if kind is QuestionType.COMPARISON else key_index
    assert verdict.question.answer_index == expected


def test_the_order_of_choices_depends_on_the_seed_of_the_session() -> None:
    orders = set()
    for seed in range(12):
        verdict = Validator([slot_for(QuestionType.MCQ)], seen=Seen(), seed=seed).judge(
            line(QuestionType.MCQ)
        )
        assert isinstance(verdict, Accepted)
        orders.add(verdict.question.choices)
    assert len(orders) > 1


def test_an_accepted_question_closes_its_slot_and_no_other() -> None:
    validator = validator_for(slot_for(QuestionType.MCQ), slot_for(QuestionType.ANALOGY, position=5))
    assert isinstance(validator.judge(line(QuestionType.MCQ)), Accepted)
    assert [slot.position for slot in validator.open_slots] == [5]


def test_a_rejected_question_leaves_its_slot_open_d5() -> None:
    validator = validator_for(slot_for(QuestionType.MCQ))
    assert isinstance(validator.judge(line(QuestionType.MCQ, d=["3", "3", "7"])), Rejected)
    assert [slot.position for slot in validator.open_slots] == [4]
    assert isinstance(validator.judge(line(QuestionType.MCQ)), Accepted)
    assert validator.open_slots == ()


def test_questions_may_come_in_any_order_and_open_slots_stay_sorted() -> None:
    slots = [slot_for(QuestionType.MCQ, position=position) for position in (9, 3, 6)]
    assert [slot.position for slot in validator_for(*slots).open_slots] == [3, 6, 9]


def test_a_question_keeps_its_passage_d16() -> None:
    assert question(QuestionType.READING).content()["passage"] == PASSAGE


def test_figures_that_the_prompt_asks_for_are_accepted_d14() -> None:
    drawn = question(QuestionType.DIAGRAM).diagram
    assert drawn is not None
    assert set(drawn) == {"type", "renderHint", "data", "svg", "caption", "figure"}
    assert drawn["caption"].startswith("مثلث أ ب ج قائم الزاوية في ب، القاعدة 12 م")
    cube = question(
        QuestionType.DIAGRAM,
        q="ما حجم المكعب؟",
        f={"pattern": "cube", "edge": 3},
        w="الحجم 3 × 3 × 3 = 27.",
        a="27",
    )
    assert set(cube.diagram or {}) == {"svg", "caption", "figure"}


# --- what belongs to no open slot --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [None, "four", 4.5, True, [4], {}])
def test_an_object_without_a_slot_number_is_rejected(number: object) -> None:
    validator = validator_for(slot_for(QuestionType.MCQ, position=1), slot_for(QuestionType.MCQ))
    assert validator.judge(line(QuestionType.MCQ, slot=number)) == Rejected(None, "no_slot")


def test_an_object_for_a_slot_that_was_not_asked_for_is_rejected() -> None:
    assert validator_for(slot_for(QuestionType.MCQ)).judge(line(QuestionType.MCQ, slot=77)) == Rejected(
        None, "unknown_slot"
    )


def test_a_second_question_for_a_filled_slot_is_rejected() -> None:
    validator = validator_for(slot_for(QuestionType.MCQ))
    validator.judge(line(QuestionType.MCQ))
    again = line(QuestionType.MCQ, q="ما ثلث العدد 27 مضافًا إليه 1؟")
    assert validator.judge(again) == Rejected(4, "slot_filled")


@pytest.mark.parametrize("slot", ["slot 4", "Slot-04", "slot_4", "#4", "4.", "الخانة ٤", "الخانة رقم: 4"])
def test_a_slot_may_be_named_before_its_number(slot: str) -> None:
    verdict = validator_for(slot_for(QuestionType.MCQ)).judge({**line(QuestionType.MCQ), "slot": slot})
    assert isinstance(verdict, Accepted)


@pytest.mark.parametrize("slot", [4, 4.0, "4", "٤", "۴", " 4 ", "04", "4.0", "٤٫٠"])
def test_a_slot_may_be_written_as_a_number_in_any_digits(slot: object) -> None:
    verdict = validator_for(slot_for(QuestionType.MCQ)).judge({**line(QuestionType.MCQ), "slot": slot})
    assert isinstance(verdict, Accepted)


@pytest.mark.parametrize(
    "slot",
    [
        None,
        True,
        4.5,
        -4,
        "-4",
        "",
        " ",
        "²",
        "4²",
        "4.5",
        "four",
        "4 5",
        "slot 4 of 9",
        "slots 3-4",
        "ab" * 5_000,
        "4" * 5_000,
        1e300,
        [4],
        {"n": 4},
        "٤x",
    ],
)
def test_what_is_no_whole_number_names_no_slot(slot: object) -> None:
    verdict = validator_for(slot_for(QuestionType.MCQ)).judge({**line(QuestionType.MCQ), "slot": slot})
    assert isinstance(verdict, Rejected)
    assert verdict.position is None


# --- shapes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"q": ""}, "wrong_stem"),
        ({"q": 7}, "wrong_stem"),
        ({"q": "سؤال\x00عن العدد"}, "wrong_stem"),
        ({"w": None}, "wrong_explanation"),
        ({"a": 4}, "wrong_answer"),
        ({"d": "3"}, "wrong_distractors"),
        ({"d": None}, "wrong_distractors"),
        ({"d": []}, "wrong_distractors"),
        ({"d": ["3", "7"]}, "wrong_distractors"),
        ({"d": ["3", "7", "9", "11"]}, "wrong_distractors"),
        ({"f": "شكل"}, "wrong_figure"),
        ({"p": 3}, "wrong_passage"),
    ],
)
def test_a_missing_or_misshapen_part_is_named(parts: dict[str, Any], expected: str) -> None:
    assert reason(QuestionType.MCQ, **parts) == expected


def test_a_reading_question_without_choices_is_rejected_d15() -> None:
    assert reason(QuestionType.READING, d=None) == "wrong_distractors"


# --- repeats -----------------------------------------------------------------------------------------------------


def test_a_repeat_is_rejected_and_the_slot_stays_open_d18() -> None:
    earlier = EarlierQuestion(0, QuestionType.MCQ, "إذا كان ٢س + ٣ = ١١، فما قيمة س", ("4", "3", "7", "14"))
    validator = validator_for(slot_for(QuestionType.MCQ), earlier=(earlier,))
    assert validator.judge(line(QuestionType.MCQ)) == Rejected(4, "repeated_text")
    assert validator.judge(line(QuestionType.MCQ, q="إذا كان 5س + 1 = 21 فما قيمة س؟")) == Rejected(
        4, "repeated_template"
    )
    assert isinstance(validator.judge(line(QuestionType.MCQ, q="ما العدد الذي نصفه 2؟")), Accepted)


def test_a_question_of_one_call_is_seen_by_the_next() -> None:
    seen = Seen()
    Validator([slot_for(QuestionType.MCQ)], seen=seen, seed=1).judge(line(QuestionType.MCQ))
    other = Validator([slot_for(QuestionType.MCQ, position=9)], seen=seen, seed=1)
    assert other.judge(line(QuestionType.MCQ, position=9)) == Rejected(9, "repeated_text")


# --- whatever a model writes -------------------------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
DAMAGES = st.dictionaries(st.sampled_from("pqfwad"), ANY_JSON, max_size=3)


@given(TYPES, DAMAGES | st.fixed_dictionaries({"slot": ANY_JSON}))
def test_nothing_a_model_writes_can_crash_the_validator_or_be_accepted_unfit(
    kind: QuestionType, damage: dict[str, Any]
) -> None:
    validator = validator_for(slot_for(kind))
    verdict = validator.judge({**line(kind), **damage})
    if isinstance(verdict, Rejected):
        assert [slot.position for slot in validator.open_slots] == [4]
        assert verdict.reason.replace("_", "").isalpha()
        return
    accepted = verdict.question
    assert validator.open_slots == ()
    assert len({normalize(choice) for choice in accepted.choices}) == 4
    assert 0 <= accepted.answer_index <= 3
    assert (accepted.passage is not None) == (kind is QuestionType.READING)
    assert (accepted.diagram is not None) == (kind in {QuestionType.DIAGRAM, QuestionType.CHART})
    str(accepted.content()).encode()


@given(st.permutations(list(QuestionType)), st.lists(DAMAGES, min_size=9, max_size=9))
def test_however_much_is_rejected_the_open_slots_are_exactly_what_is_missing_d5(
    kinds: list[QuestionType], damages: list[dict[str, Any]]
) -> None:
    slots = [slot_for(kind, position=position) for position, kind in enumerate(kinds)]
    validator = validator_for(*slots)
    filled = set()
    for position, (kind, damage) in enumerate(zip(kinds, damages, strict=True)):
        verdict = validator.judge({**line(kind, position=position), **damage})
        if isinstance(verdict, Accepted):
            filled.add(verdict.question.slot.position)
    assert [slot.position for slot in validator.open_slots] == sorted(set(range(9)) - filled)
    for slot in validator.open_slots:
        assert isinstance(validator.judge(line(slot.question_type, position=slot.position)), Accepted)
