"""A person's correction of a question: which fields it may change, and what must still hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generation.model import CHOICES_PER_QUESTION, EarlierQuestion, QuestionType
from generation.normalization import normalize
from generation.repeats.seen import Traits
from generation.reports import printable

#: The fields of a question's content that a person may change, and their longest text.
CORRECTABLE = ("stem", "choices", "answerIndex", "explanation", "passage")
MAX_TEXT_CHARS = 4_000


class CorrectionRejected(ValueError):
    """The correction is no question. The text says why, for the person who made it."""


def checked(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that differ from the content. Raises CorrectionRejected."""
    unknown = sorted(set(changes) - set(CORRECTABLE))
    if unknown:
        raise CorrectionRejected(
            f"{', '.join(unknown)} cannot be changed. These can: {', '.join(CORRECTABLE)}."
        )
    made = {name: value for name, value in changes.items() if value != content.get(name)}
    for name in ("stem", "explanation", "passage"):
        if name in made:
            made[name] = _text(name, made[name])
    if "choices" in made:
        made["choices"] = _choices(made["choices"])
    key = made.get("answerIndex", 0)
    if type(key) is not int or key not in range(CHOICES_PER_QUESTION):  # JSON's true and 2.0 equal 1 and 2
        raise CorrectionRejected("answerIndex is 0, 1, 2 or 3.")
    if not made:
        raise CorrectionRejected("The correction changes nothing.")
    return made


def fingerprint_of(content: Mapping[str, Any]) -> str:
    """The fingerprint of a stored question."""
    return Traits.of(
        EarlierQuestion(
            position=0,
            question_type=QuestionType(content["questionType"]),
            stem=content["stem"],
            choices=tuple(content["choices"]),
            passage=content.get("passage"),
            diagram=content.get("diagram"),
        )
    ).fingerprint


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT_CHARS:
        raise CorrectionRejected(f"{name} is a text of 1 to {MAX_TEXT_CHARS} characters.")
    if any(printable(line) != " ".join(line.split()) for line in value.splitlines()):
        raise CorrectionRejected(f"{name} has characters that cannot be shown.")
    return value


def _choices(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) != CHOICES_PER_QUESTION:
        raise CorrectionRejected("choices are four texts.")
    choices = [_text("A choice", choice) for choice in value]
    if len({normalize(choice) for choice in choices}) < CHOICES_PER_QUESTION:
        raise CorrectionRejected("Two choices are the same.")
    return choices
