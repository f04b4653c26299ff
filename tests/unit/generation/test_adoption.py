"""Sessions that the web app's old generator began: what is written stays, and the rest is planned."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.adoption import EXAM_BATCHES, Adoption, NotAdopted, NotAdoptedReason, OldSession, adopt
from generation.model import Difficulty, PracticeChoice, Section, SessionKind, Topic, Track
from tests.support.old_rows import (
    LITERARY,
    SCIENTIFIC,
    exam_questions,
    practice_questions,
    version_2,
    version_3,
)

SESSION = UUID(int=5)
QUOTA = {
    Track.SCIENTIFIC: {Section.QUANTITATIVE: 57, Section.VERBAL: 39},
    Track.LITERARY: {Section.QUANTITATIVE: 29, Section.VERBAL: 67},
}
SECTIONS = {Track.SCIENTIFIC: SCIENTIFIC, Track.LITERARY: LITERARY}


def exam(questions: list[Any], *, batches: int, track: Track = Track.SCIENTIFIC, total: int = 96) -> Adoption:
    return adopt(OldSession(SESSION, SessionKind.EXAM, track, questions, batches, total), seed=7)


def practice(questions: list[Any], *, batches: int, total: int) -> Adoption:
    choice = PracticeChoice(Section.QUANTITATIVE, (Topic.ALGEBRA, Topic.GEOMETRY), Difficulty.EASY, total)
    return adopt(
        OldSession(SESSION, SessionKind.PRACTICE, Track.LITERARY, questions, batches, total, choice), seed=7
    )


def planned(adoption: Adoption) -> list[int]:
    return [batch.size for batch in adoption.plan.batches[adoption.written_batches :]]


@pytest.mark.parametrize("track", Track)
@pytest.mark.parametrize("batches", range(1, 10))
def test_an_exam_continues_to_the_quota_of_its_track_in_ten_batches(track: Track, batches: int) -> None:
    whole = [10, 10, 10, 10, 10, 7, 10, 10, 10, 9] if track is Track.SCIENTIFIC else [10, 10, 9, *[10] * 6, 7]
    questions = exam_questions(SESSION, whole[:batches], SECTIONS[track])

    adoption = exam(questions, batches=batches, track=track)

    plan = adoption.plan
    assert (adoption.written_batches, len(plan.batches), plan.total_questions) == (batches, EXAM_BATCHES, 96)
    quota = QUOTA[track]
    if (
        track is Track.LITERARY and batches == 9
    ):  # 70 verbal ones are written: only 7 of 10 quantitative ones fit
        quota = {Section.QUANTITATIVE: 26, Section.VERBAL: 70}
    assert Counter(slot.section for slot in plan.slots) == quota
    assert [batch.size for batch in plan.batches[:batches]] == whole[:batches]
    new = [slot.section for slot in plan.slots[len(questions) :]]
    assert new == sorted(new, key=list(Section).index), "the quantitative ones come first"
    if track is Track.SCIENTIFIC:
        assert planned(adoption) == whole[batches:]


def test_a_literary_exam_that_began_verbal_gets_the_quantitative_part_next() -> None:
    adoption = exam(exam_questions(SESSION, [10], LITERARY), batches=1, track=Track.LITERARY)

    assert planned(adoption) == [10, 10, 9, 10, 10, 10, 10, 10, 7]
    assert [batch.section for batch in adoption.plan.batches[:5]] == [
        Section.VERBAL,
        *[Section.QUANTITATIVE] * 3,
        Section.VERBAL,
    ]


def test_short_batches_keep_their_places_and_the_rest_makes_up_for_them() -> None:
    questions = exam_questions(SESSION, [10, 6, 9])

    adoption = exam(questions, batches=3)

    assert [batch.size for batch in adoption.plan.batches[:3]] == [10, 6, 9]
    assert Counter(slot.section for slot in adoption.plan.slots) == QUOTA[Track.SCIENTIFIC]
    assert len(adoption.plan.batches) == EXAM_BATCHES


def test_one_batch_that_is_left_holds_both_sections() -> None:
    sections = ["quantitative"] * 5 + ["verbal"] * 4
    adoption = exam(exam_questions(SESSION, [10, 10, 10, 10, 8, 10, 10, 10, 5], sections), batches=9)

    (last,) = adoption.plan.batches[9:]
    assert (last.start, last.size) == (83, 13)
    assert Counter(slot.section for slot in adoption.plan.slots_of(last)) == {
        Section.QUANTITATIVE: 9,
        Section.VERBAL: 4,
    }
    assert len({slot.question_id for slot in adoption.plan.slots_of(last)}) == 13


def test_when_the_pages_ask_for_no_further_batch_the_exam_ends_with_what_it_has() -> None:
    adoption = exam(exam_questions(SESSION, [9] * 10), batches=10)

    assert (adoption.written_batches, adoption.plan.total_questions, planned(adoption)) == (10, 90, [])


def test_where_fewer_batches_are_left_than_the_pages_count_empty_ones_count_as_written() -> None:
    adoption = exam(exam_questions(SESSION, [15] * 6 + [3], ["quantitative"] * 4 + ["verbal"] * 3), batches=7)

    assert adoption.plan.total_questions == 96
    assert len(adoption.plan.batches) == EXAM_BATCHES
    assert all(planned(adoption))


def test_an_exam_whose_creation_failed_is_planned_from_its_first_question() -> None:
    adoption = exam([], batches=0)

    assert (adoption.written_batches, planned(adoption)) == (0, [10, 10, 10, 10, 10, 7, 10, 10, 10, 9])


def test_practice_continues_in_fives_up_to_its_target() -> None:
    adoption = practice(practice_questions(SESSION, [5, 4]), batches=2, total=17)

    assert planned(adoption) == [5, 3]
    new = adoption.plan.slots[9:]
    assert {slot.topic for slot in new} <= {Topic.ALGEBRA, Topic.GEOMETRY}
    assert {slot.difficulty for slot in new} == {Difficulty.EASY}


def test_version_3_gets_the_names_that_the_pages_read_and_keeps_its_own() -> None:
    old = version_3(2, "verbal", diagram={"type": "circle", "renderHint": "SVG", "data": {"radius": 4}})

    (question,) = exam([old], batches=1).questions

    assert {name: question.row[name] for name in old} == old
    assert {name: question.row[name] for name in question.row if name not in old} == {
        "stem": old["question_text"],
        "questionType": "mcq",
        "id": f"exam_{SESSION}_q0",
        "index": 0,
        "answerIndex": 2,
    }


def test_version_2_keeps_every_field() -> None:
    old = version_2(3, "quantitative")
    (question,) = exam([old], batches=1).questions
    assert question.row == old | {"index": 0}
    assert question.content["answerIndex"] == 3


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("١٢ م", 0),
        (" ١٢ م ", 0),
        ("ثلاثةٌ", 2),  # a mark more than the choice has
        ("14", None),
        (None, None),
        ("", None),
    ],
)
def test_a_key_that_matches_no_choice_is_marked_and_never_guessed(key: str | None, place: int | None) -> None:
    old = version_3(0, "quantitative", choices=["١٢ م", "١٣ م", "ثلاثة", "٤"], correct_answer=key)

    (question,) = exam([old], batches=1).questions

    assert question.row.get("answerIndex") == place
    assert question.row.get("keyUnknown", False) is (place is None)
    assert question.row["correct_answer"] == key
    assert question.content["answerIndex"] == place


def test_questions_without_choices_and_twice_the_same_stem_are_adopted() -> None:
    bare = version_3(1, "quantitative", correct_answer="٥")
    del bare["choices"]
    first, second, third = exam([bare, version_3(4, "verbal"), version_3(4, "verbal")], batches=1).questions

    assert first.row["choices"] == []
    assert first.row["keyUnknown"] is True
    assert second.fingerprint != third.fingerprint


@pytest.mark.parametrize("broken", [None, 5, "text", {}, {"question_text": " "}, ["x"]])
def test_what_is_no_question_is_not_adopted(broken: object) -> None:
    with pytest.raises(NotAdopted) as caught:
        exam([version_3(0, "verbal"), broken], batches=1)
    assert caught.value.reason is NotAdoptedReason.UNREADABLE_QUESTIONS


_strange = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(
    sizes=st.lists(st.integers(0, 12), max_size=11),
    literary=st.booleans(),
    more_batches=st.integers(0, 3),
    field=st.sampled_from(
        ["section", "topic", "difficulty", "question_type", "choices", "answerIndex", "id"]
    ),
    strange=_strange,
)
def test_any_row_keeps_its_positions_and_its_sums(
    sizes: list[int], literary: bool, more_batches: int, field: str, strange: object
) -> None:
    track = Track.LITERARY if literary else Track.SCIENTIFIC
    questions = exam_questions(SESSION, sizes, SECTIONS[track])
    questions = [
        {**question, field: strange} if number % 3 == 0 else question
        for number, question in enumerate(questions)
    ]

    adoption = exam(questions, batches=len(sizes) + more_batches, track=track)

    plan, number = adoption.plan, len(questions)
    assert [slot.position for slot in plan.slots] == list(range(plan.total_questions))
    assert [batch.start for batch in plan.batches] == [
        sum(batch.size for batch in plan.batches[:index]) for index in range(len(plan.batches))
    ]
    assert sum(batch.size for batch in plan.batches) == plan.total_questions
    assert [batch.index for batch in plan.batches] == list(range(len(plan.batches)))
    assert plan.total_questions in {max(96, number), number}
    assert sum(batch.size for batch in plan.batches[: adoption.written_batches]) == number
    for question, old in zip(adoption.questions, questions, strict=True):
        kept = {name: value for name, value in old.items() if value is not None}
        assert {
            name: question.row[name] for name in kept if name not in {"choices", "answerIndex", "id"}
        } == {name: value for name, value in kept.items() if name not in {"choices", "answerIndex", "id"}}
    assert len({question.fingerprint for question in adoption.questions}) == number
    again = exam(
        [dict(question.row) for question in adoption.questions], batches=adoption.written_batches, track=track
    )
    assert [question.row for question in again.questions] == [question.row for question in adoption.questions]
