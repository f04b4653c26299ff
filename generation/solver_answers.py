"""What a solver answers, and what its answers mean for a question.

Published solvers are right about two of three real items, so one answer proves nothing: the solver looks again, with
the choices in another order. A key stands when AGREES_AFTER looks name it, and is disputed when DISPUTES_AFTER name
the same other answer. After LOOKS it stands if no other answer was named more often. With a solver that errs at a
quarter of its looks, 3 % of the wrong keys stand and 2 % of the right ones are disputed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from generation.model import CHOICES_PER_QUESTION, Question
from generation.verdicts import Doubt, Finding, Verdict

#: How often a solver looks at a question at most, and when it need not look again.
LOOKS = 5
AGREES_AFTER = 2
DISPUTES_AFTER = 3

#: Of the words that the solver doubts, as many characters are kept.
MAX_WORDS_CHARS = 200

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """One look at one question. Two answers are equal whatever is said about the language."""

    choices: frozenset[int]  #: the indexes of the right choices, 0-3; empty: none is right
    fits_passage: bool = True
    doubtful_words: str | None = field(default=None, compare=False)

    def bears_out(self, question: Question) -> bool:
        return self.fits_passage and self.choices == {question.answer_index}


class Answers:
    """The answers of one reply, to questions whose choices were shown turned by `look` places.

    Ignored are objects without a valid slot or answer, and slots with two different answers.
    """

    def __init__(self, look: int = 0) -> None:
        self._look = look
        self._given: dict[int, set[Answer]] = {}

    def take(self, raw: Mapping[str, Any]) -> None:
        """Take one object of the reply. Never raises for what a model wrote."""
        position, choices = raw.get("slot"), self._choices(raw.get("a", _NOTHING))
        if _is_index(position) and choices is not None:
            answer = Answer(choices, raw.get("p") is not False, _words(raw.get("l")))
            self._given.setdefault(position, set()).add(answer)

    def of(self, questions: Sequence[Question]) -> dict[str, Answer]:
        """The answers by fingerprint, without the questions that have not exactly one."""
        found = {}
        for question in questions:
            given = self._given.get(question.slot.position, set())
            if len(given) == 1:
                found[question.fingerprint] = next(iter(given))
        return found

    def _choices(self, stated: object) -> frozenset[int] | None:
        """The choices in their own order: an index, a list of several, or null where none is right."""
        if stated is None:
            return frozenset()
        listed: list[object] = stated if isinstance(stated, list) and stated else [stated]
        valid = [choice for choice in listed if _is_index(choice) and choice < CHOICES_PER_QUESTION]
        if len(valid) < len(listed):
            return None
        return frozenset((choice + self._look) % CHOICES_PER_QUESTION for choice in valid)


def verdict_on(question: Question, answers: Sequence[Answer]) -> Verdict | None:
    """What the answers say so far, the first look first; None while another look is needed."""
    against = [answer for answer in answers if not answer.bears_out(question)]
    for_key = len(answers) - len(against)
    most_against = max(map(against.count, against), default=0)
    if question.proved or for_key >= AGREES_AFTER:
        return Verdict.AGREED
    if most_against >= DISPUTES_AFTER:
        return Verdict.DISPUTED
    if len(answers) < LOOKS:
        return None
    return Verdict.AGREED if for_key >= most_against else Verdict.DISPUTED


def finding_on(question: Question, answers: Sequence[Answer], verdict: Verdict, solver: str) -> Finding:
    """The finding whose verdict these answers decided."""
    words = answers[0].doubtful_words
    reasons = _reasons(question, answers, verdict) + ((Doubt.LANGUAGE,) if words else ())
    return Finding(verdict, reasons, words, solver)


def _reasons(question: Question, answers: Sequence[Answer], verdict: Verdict) -> tuple[Doubt, ...]:
    against = [answer for answer in answers if not answer.bears_out(question)]
    if verdict is Verdict.AGREED:
        return (Doubt.OUTWEIGHED,) if question.proved and against else ()
    answer = max(against, key=against.count)
    if not answer.fits_passage:
        return (Doubt.PASSAGE,)
    if not answer.choices:
        return (Doubt.NO_RIGHT_ANSWER,)
    return (Doubt.SECOND_RIGHT_ANSWER if len(answer.choices) > 1 else Doubt.OTHER_ANSWER,)


def _words(said: object) -> str | None:
    """On one line, without what Postgres or a terminal cannot take; None where the language is clean."""
    if not isinstance(said, str):
        return None
    kept = "".join(char for char in " ".join(said.split()) if char.isprintable())
    return kept[:MAX_WORDS_CHARS].strip() or None


def _is_index(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
