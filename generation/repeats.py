"""Detects repeated questions: word for word, with other numbers, or nearly the same.

It compares normalized texts. Only the fingerprint is stored; the database keeps it unique in a session.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from generation.model import EarlierQuestion, QuestionType
from generation.normalization import mask_numbers, normalize

#: The share of common trigrams from which two texts count as the same. Measured on swaps of names and wording.
NEARLY: Final = 0.8

#: Shorter texts differ by a word that matters: "قلم : كتابة" is not nearly "قلم : رسم".
SHORTEST_COMPARED: Final = 40


class Seen:
    """The questions that a new one must not repeat. Safe from any thread, so that lanes may share it.

    A question of another session (EarlierQuestion.is_elsewhere) must not return word for word or with other
    numbers; near repeats are checked within this session only. After a few exams, every possible question is
    nearly like an earlier one, and a slot that no question may fill would keep a student waiting.
    """

    def __init__(self, earlier: Iterable[EarlierQuestion] = ()) -> None:
        self._lock = threading.Lock()
        self._exact: set[str] = set()
        self._templates: set[str] = set()
        self._traits: list[Traits] = []
        self._read_passages: dict[str, _Shingled] = {}  # of questions, by their text
        self._kept_passages: dict[int, _Shingled] = {}  # of groups that have no question yet
        for question in earlier:
            self.add(question)

    def add(self, question: EarlierQuestion) -> None:
        traits = Traits.of(question)
        with self._lock:
            self._remember(traits, as_text_only=question.is_elsewhere)

    def admit(self, candidate: Traits) -> str | None:
        """Add the candidate and return None, or return why it is a repeat: "repeated_text", "repeated_template" or
        "repeated_nearly". Atomic, so that only one of two equal questions is added.
        """
        with self._lock:
            reason = self._reason(candidate)
            if reason is None:
                self._remember(candidate)
            return reason

    def admit_passage(self, passage: str, group: int) -> bool:
        """Store the passage for its group and return True, or return False if another is nearly the same."""
        shingled = _passage(passage)
        with self._lock:
            others = (kept for owner, kept in self._kept_passages.items() if owner != group)
            if any(map(shingled.is_nearly, (*self._read_passages.values(), *others))):
                return False
            self._kept_passages[group] = shingled
            return True

    def _reason(self, traits: Traits) -> str | None:
        if traits.text in self._exact:
            return "repeated_text"
        if traits.template in self._templates:
            return "repeated_template"
        return "repeated_nearly" if any(map(traits.is_nearly, self._traits)) else None

    def _remember(self, traits: Traits, *, as_text_only: bool = False) -> None:
        self._exact.add(traits.text)
        if traits.template != traits.text:
            self._templates.add(traits.template)
        if as_text_only:
            return
        self._traits.append(traits)
        if traits.passage is not None:
            self._read_passages[traits.passage.text] = traits.passage


@lru_cache(maxsize=64)
def _trigrams(masked: str) -> frozenset[str]:
    """Cached for the candidate, which is compared with one question after another.

    Not kept with every question: a session's would take 2 MB in each run, and hundreds of runs make a process large.
    """
    return frozenset(masked[at : at + 3] for at in range(len(masked) - 2))


@dataclass(frozen=True, slots=True)
class _Shingled:
    """A normalized text, compared by the trigrams of the same text with masked numbers."""

    text: str
    masked: str

    @classmethod
    def of(cls, normalized: str) -> _Shingled:
        return cls(normalized, mask_numbers(normalized))

    def is_nearly(self, other: _Shingled) -> bool:
        if min(len(self.text), len(other.text)) < SHORTEST_COMPARED:
            return False
        mine, others = _trigrams(self.masked), _trigrams(other.masked)
        fewer, more = sorted((len(mine), len(others)))
        if fewer < NEARLY * more:
            return False
        shared = len(mine & others)
        return shared >= NEARLY * (fewer + more - shared)


@lru_cache(maxsize=256)
def _passage(written: str) -> _Shingled:
    """Cached, because every question of a group has the same passage."""
    return _Shingled.of(normalize(written))


@dataclass(frozen=True, slots=True)
class Traits:
    """The features of one question that are compared."""

    question_type: QuestionType
    text: str  #: normalized stem, with passage, figure or choices where they are part of the question
    template: str
    own: _Shingled  #: without the passage and without words that every question of its type has
    quoted: frozenset[str]
    passage: _Shingled | None

    @classmethod
    def of(cls, question: EarlierQuestion) -> Traits:
        own = " | ".join(_own_parts(question))
        passage = _passage(question.passage) if question.passage else None
        text = own if passage is None else f"{own} | {passage.text}"
        return cls(
            question_type=question.question_type,
            text=text,
            template=mask_numbers(text),
            own=_Shingled.of(_COMPARISON_WORDS.sub("", own)),
            quoted=frozenset(normalize(words) for words in _QUOTED.findall(question.stem)),
            passage=passage,
        )

    @property
    def fingerprint(self) -> str:
        """Equal for two questions if and only if their texts are equal; 64 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def passage_text(self) -> str | None:
        return None if self.passage is None else self.passage.text

    def is_nearly(self, other: Traits) -> bool:
        """Questions about different passages are never near; `admit_passage` compares the passages."""
        return (
            self.question_type is other.question_type
            and self.passage_text == other.passage_text
            and not self._asks_about_other_words(other)
            and self.own.is_nearly(other.own)
        )

    def _asks_about_other_words(self, other: Traits) -> bool:
        """The meaning of «this» and the meaning of «that»: one sentence pattern, two questions."""
        return bool(self.quoted and other.quoted and self.quoted.isdisjoint(other.quoted))


def _own_parts(question: EarlierQuestion) -> list[str]:
    if question.question_type is QuestionType.ODD_WORD:
        return _normalized_choices(question)
    parts = [normalize(question.stem)]
    if question.diagram is not None:
        parts.append(normalize(json.dumps(question.diagram, ensure_ascii=False, sort_keys=True)))
    if _POINTS_AT_CHOICES.search(parts[0]):
        parts += _normalized_choices(question)
    return parts


def _normalized_choices(question: EarlierQuestion) -> list[str]:
    return sorted(normalize(choice) for choice in question.choices)


#: Normalized: "which of the following", where the choices are part of the question.
_POINTS_AT_CHOICES: Final = re.compile(r"\b(?:مما|فيما|ما) (?:يلي|ياتي)\b|\b(?:الاتي|التالي)(?:ه|ات)?\b")
_COMPARISON_WORDS: Final = re.compile("القيمه (?:الاولي|الثانيه)")
_QUOTED: Final = re.compile('[«“"]([^«»“”"]+)[»”"]')
