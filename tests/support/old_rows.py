"""Rows of the web app as its own old generator left them: the names of versions 2 and 3, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

QUANTITATIVE = "quantitative"
VERBAL = "verbal"

#: Sections of the batches, as the old exam handler chose them.
SCIENTIFIC = (QUANTITATIVE,) * 6 + (VERBAL,) * 4
#: The first batch of a literary exam was verbal.
LITERARY = (VERBAL, QUANTITATIVE, QUANTITATIVE, *(VERBAL,) * 7)

_TOPIC = {QUANTITATIVE: ("arithmetic", "geometry", "comparisons"), VERBAL: ("reading", "analogy", "odd-word")}


def version_3(number: int, section: str, **changed: Any) -> dict[str, Any]:
    """A question as the third version stored it: no id, a key in words."""
    choices = [f"خيار {number} {letter}" for letter in "أبجد"]
    question = {
        "version": "3.0",
        "language": "ar",
        "section": section,
        "track": "scientific",
        "question_type": "mcq",
        "topic": _TOPIC[section][number % 3],
        "subtopic": "percentages",
        "difficulty": ("easy", "medium", "hard")[number % 3],
        "question_text": f"نص السؤال القديم رقم {number}؟",
        "choices": choices,
        "correct_answer": choices[number % 4],
        "explanation": f"شرح السؤال القديم {number}",
        "pattern_id": None,
        "diagram": None,
    }
    return question | changed


def version_2(number: int, section: str, **changed: Any) -> dict[str, Any]:
    """A question as the second version and uploads stored it."""
    question = {
        "id": f"old-{number}",
        "section": section,
        "topic": "algebra" if section == QUANTITATIVE else "analogy",
        "difficulty": "medium",
        "questionType": "text-only" if number % 2 else "mcq",
        "stem": f"سؤال من الإصدار الثاني {number}",
        "choices": [f"بديل {number} {place}" for place in range(4)],
        "answerIndex": number % 4,
        "explanation": f"شرح {number}",
        "tags": ["x"],
    }
    return question | changed


def exam_questions(
    session_id: object, sizes: Sequence[int], sections: Sequence[str] = SCIENTIFIC
) -> list[dict[str, Any]]:
    """The questions of the first batches, of these sizes; those after the first batch have the ids of their batch."""
    return _questions("exam", session_id, sizes, sections)


def practice_questions(
    session_id: object, sizes: Sequence[int], section: str = QUANTITATIVE
) -> list[dict[str, Any]]:
    return _questions("practice", session_id, sizes, [section] * len(sizes))


def _questions(
    kind: str, session_id: object, sizes: Sequence[int], sections: Sequence[str]
) -> list[dict[str, Any]]:
    questions: list[dict[str, Any]] = []
    for batch, (size, section) in enumerate(zip(sizes, sections, strict=False)):
        for place in range(size):
            named = {"id": f"{kind}_{session_id}_batch{batch}_q{place}"} if batch else {}
            questions.append(version_3(len(questions), section, **named))
    return questions
