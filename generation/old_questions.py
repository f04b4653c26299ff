"""Questions that the web app's own generator wrote before the switch, in the names of its second and third version.

What a question holds stays as it is. Added is what the pages read: `stem`, `questionType`, `answerIndex`, `id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from generation.model import Difficulty, QuestionType, Section, Slot, Topic
from generation.normalization import normalize

#: Added to a question whose key cannot be found among its choices; `correct_answer` stays for a person to read.
KEY_UNKNOWN: Final = "keyUnknown"

#: The name that the pages read, and what the third version called it.
_RENAMED: Final = {
    "stem": "question_text",
    "questionType": "question_type",
    "solvingStrategy": "solving_strategy",
    "tip": "solving_tip",
}

_TOPICS: Final = {
    "arithmetic": Topic.RATIO_PROPORTION,
    "comparisons": Topic.ALGEBRA,
    "word-problems": Topic.RATIO_PROPORTION,
    "reading": Topic.READING_COMPREHENSION,
    "completion": Topic.SENTENCE_COMPLETION,
    "error": Topic.CONTEXT_ERROR,
    "odd-word": Topic.ASSOCIATION_DIFFERENCE,
    "association": Topic.ASSOCIATION_DIFFERENCE,
}
_TOPIC_OF_SECTION: Final = {
    Section.QUANTITATIVE: Topic.RATIO_PROPORTION,
    Section.VERBAL: Topic.VOCABULARY,
}
_TYPES: Final = {
    "reading-passage": QuestionType.READING,
    "overlapping-diagram": QuestionType.DIAGRAM,
}


def completed(question: Mapping[str, Any], *, index: int, fallback_id: str) -> dict[str, Any]:
    """The question with the missing fields that the pages read; completing it again changes nothing.

    `index`: its 0-based position. A key that matches no choice is marked, not guessed.
    """
    added: dict[str, Any] = {
        name: question[old]
        for name, old in _RENAMED.items()
        if question.get(name) is None and isinstance(question.get(old), str)
    }
    if question.get("questionType") is None:
        added.setdefault("questionType", QuestionType.MCQ.value)
    if not question.get("id"):
        added["id"] = fallback_id
    if question.get("index") is None:
        added["index"] = index
    if not isinstance(question.get("choices"), list):
        added["choices"] = []
    if not _is_place(question.get("answerIndex"), question):
        place = _place_of_the_key(question)
        added |= {KEY_UNKNOWN: True} if place is None else {"answerIndex": place}
    return dict(question) | added


def is_readable(question: object) -> bool:
    """Whether this is a question at all: an object with a text."""
    if not isinstance(question, Mapping) or not isinstance(question.get("stem"), str | None):
        return False
    texts = (question.get(name) for name in ("stem", "question_text"))
    return any(isinstance(text, str) and text.strip() for text in texts)


def section_of(question: Mapping[str, Any]) -> Section | None:
    """As it says, else by its topic; None where neither tells."""
    said = question.get("section")
    if isinstance(said, str) and said in set(Section):
        return Section(said)
    topic = _known_topic(question.get("topic"))
    return None if topic is None else topic.section


def topic_of(named: object, section: Section) -> Topic:
    """The nearest of our topics within the section."""
    topic = _known_topic(named)
    return topic if topic is not None and topic.section is section else _TOPIC_OF_SECTION[section]


def topics_of(named: object, section: Section) -> tuple[Topic, ...]:
    """The topics of a practice session, each once; all of the section where no name is known."""
    names = named if isinstance(named, list) else []
    found = [topic for topic in map(_known_topic, names) if topic is not None and topic.section is section]
    return tuple(dict.fromkeys(found)) or tuple(topic for topic in Topic if topic.section is section)


def difficulty_of(named: object) -> Difficulty:
    return Difficulty(named) if isinstance(named, str) and named in set(Difficulty) else Difficulty.MEDIUM


def old_slot(
    question: Mapping[str, Any], *, position: int, batch_index: int, sequence: int, section: Section
) -> Slot:
    """The slot that this question would have had."""
    topic = topic_of(question.get("topic"), section)
    subtopic = question.get("subtopic")
    return Slot(
        position=position,
        batch_index=batch_index,
        sequence=sequence,
        section=section,
        topic=topic,
        subtopic=subtopic if isinstance(subtopic, str) and subtopic else topic.value,
        question_type=_type_of(question),
        difficulty=difficulty_of(question.get("difficulty")),
        angle="",
    )


def content_of(question: Mapping[str, Any], slot: Slot) -> dict[str, Any]:
    """The completed question as `generation.questions` stores it; its key is None where none is known.

    A figure stays in the web app's row only: it is drawn there, and has none of our structure.
    """
    content: dict[str, Any] = {
        "id": str(question["id"]),
        "index": slot.position,
        "section": slot.section.value,
        "topic": slot.topic.value,
        "difficulty": slot.difficulty.value,
        "questionType": slot.question_type.value,
        "stem": question["stem"],
        "choices": [str(choice) for choice in question["choices"]],
        "answerIndex": None if question.get(KEY_UNKNOWN) else question.get("answerIndex"),
        "explanation": str(question.get("explanation") or ""),
        "tags": [slot.subtopic],
    }
    for name in ("passage", "solvingStrategy", "tip"):
        if isinstance(question.get(name), str):
            content[name] = question[name]
    return content


def _known_topic(named: object) -> Topic | None:
    if not isinstance(named, str):
        return None
    return Topic(named) if named in set(Topic) else _TOPICS.get(named)


def _type_of(question: Mapping[str, Any]) -> QuestionType:
    named = question["questionType"]
    if not isinstance(named, str):
        return QuestionType.MCQ
    return QuestionType(named) if named in set(QuestionType) else _TYPES.get(named, QuestionType.MCQ)


def _is_place(place: object, question: Mapping[str, Any]) -> bool:
    choices = question.get("choices")
    return (
        isinstance(place, int)
        and not isinstance(place, bool)
        and 0 <= place < (len(choices) if isinstance(choices, list) else 0)
    )


def _place_of_the_key(question: Mapping[str, Any]) -> int | None:
    """The place of `correct_answer` among the choices: of the equal one, else of the only one that reads the same."""
    choices, key = question.get("choices"), question.get("correct_answer")
    if not isinstance(choices, list) or not isinstance(key, str) or not key.strip():
        return None
    for alike in (str, str.strip, normalize):
        wanted = alike(key)
        places = [place for place, choice in enumerate(choices) if alike(str(choice)) == wanted]
        if len(places) == 1:
            return places[0]
    return None
