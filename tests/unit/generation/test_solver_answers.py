"""What several looks of a solver mean for a question: doubt, never truth."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import Question, Track
from generation.plan import plan_exam
from generation.solver_answers import LOOKS, MAX_WORDS_CHARS, Answer, Answers, finding_on, verdict_on
from generation.verdicts import Doubt, Finding, Verdict

SLOT = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=7).slots[0]
QUESTION = Question(SLOT, "السؤال", ("١", "٢", "٣", "٤"), 1, "الشرح", "fingerprint")
ANSWERS = st.lists(
    st.builds(Answer, st.frozensets(st.integers(0, 3)), st.booleans()), min_size=LOOKS, max_size=LOOKS
)


def a(*choices: int) -> Answer:
    return Answer(frozenset(choices))


KEY, OTHER, THIRD, NONE, BOTH = a(1), a(2), a(3), a(), a(1, 2)


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([KEY], None),
        ([OTHER], None),
        ([KEY, KEY], Verdict.AGREED),
        ([OTHER, OTHER], None),
        ([OTHER, OTHER, OTHER], Verdict.DISPUTED),
        ([NONE, NONE, NONE], Verdict.DISPUTED),
        ([OTHER, KEY], None),
        ([OTHER, KEY, OTHER, KEY], Verdict.AGREED),
        ([OTHER, KEY, OTHER, OTHER], Verdict.DISPUTED),
        ([OTHER, THIRD, NONE, BOTH], None),
        ([OTHER, THIRD, NONE, BOTH, KEY], Verdict.AGREED),
        ([OTHER, THIRD, OTHER, BOTH, KEY], Verdict.DISPUTED),
        ([OTHER, THIRD, NONE, BOTH, OTHER], Verdict.DISPUTED),
    ],
)
def test_one_other_answer_is_no_dispute(answers: list[Answer], verdict: Verdict | None) -> None:
    assert verdict_on(QUESTION, answers) is verdict


@given(ANSWERS)
def test_the_last_look_always_decides(answers: list[Answer]) -> None:
    assert verdict_on(QUESTION, answers) in set(Verdict)


@given(ANSWERS)
def test_a_proved_key_outweighs_whatever_the_solver_says(answers: list[Answer]) -> None:
    proved = replace(QUESTION, proved=True)
    assert verdict_on(proved, answers[:1]) is Verdict.AGREED
    finding = finding_on(proved, answers, Verdict.AGREED, "solver")
    assert (finding.reasons == (Doubt.OUTWEIGHED,)) == any(not each.bears_out(QUESTION) for each in answers)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (OTHER, Doubt.OTHER_ANSWER),
        (NONE, Doubt.NO_RIGHT_ANSWER),
        (BOTH, Doubt.SECOND_RIGHT_ANSWER),
        (Answer(frozenset({1}), fits_passage=False), Doubt.PASSAGE),
    ],
)
def test_a_dispute_says_why(answer: Answer, reason: Doubt) -> None:
    assert finding_on(QUESTION, [answer] * 3, Verdict.DISPUTED, "solver") == Finding(
        Verdict.DISPUTED, (reason,), solver="solver"
    )


def test_doubtful_language_disputes_no_key() -> None:
    answer = Answer(frozenset({1}), doubtful_words="ثلاث كتب")
    assert finding_on(QUESTION, [answer] * 2, Verdict.AGREED, "solver") == Finding(
        Verdict.AGREED, (Doubt.LANGUAGE,), "ثلاث كتب", "solver"
    )


@given(st.integers(0, 3), st.integers(0, 7))
def test_a_choice_keeps_its_own_number_however_the_choices_are_turned(choice: int, look: int) -> None:
    answers = Answers(look)
    answers.take({"slot": SLOT.position, "a": (choice - look) % 4})
    assert answers.of([QUESTION]) == {"fingerprint": a(choice)}


@given(st.text(max_size=500) | st.none() | st.integers())
def test_words_are_bounded_and_can_be_stored_and_printed(said: object) -> None:
    answers = Answers()
    answers.take({"slot": SLOT.position, "a": 1, "l": said})
    [answer] = answers.of([QUESTION]).values()
    words = answer.doubtful_words
    assert words is None or (0 < len(words) <= MAX_WORDS_CHARS and words.isprintable())


@pytest.mark.parametrize(("errs", "wrong_stand", "right_disputed"), [(0.1, 0.01, 0.005), (0.25, 0.04, 0.022)])
def test_how_often_a_solver_that_errs_is_believed(
    errs: float, wrong_stand: float, right_disputed: float
) -> None:
    """Of each look, independently; a wrong answer is any of the other three, or none."""
    rng = Random(7)

    def verdict(right: int) -> Verdict | None:
        answers: list[Answer] = []
        while True:
            wrong = rng.choice([a(index) for index in range(4) if index != right] + [NONE])
            answers.append(wrong if rng.random() < errs else a(right))
            if (found := verdict_on(QUESTION, answers)) is not None:
                return found

    times = 4000
    assert sum(verdict(2) is Verdict.AGREED for _ in range(times)) < wrong_stand * times
    assert sum(verdict(1) is Verdict.DISPUTED for _ in range(times)) < right_disputed * times
