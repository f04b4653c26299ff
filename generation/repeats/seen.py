"""Detects repeated questions: word for word, with other numbers, inside other words, or nearly the same.

It compares normalized texts, and the features of `generation.repeats.features`. Only the fingerprint is stored; the database keeps it unique in a session.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from generation.model import EarlierQuestion, QuestionType, Topic
from generation.normalization import mask_numbers, normalize
from generation.repeats import features

#: The share of common trigrams from which two texts count as the same. Measured on swaps of names and wording.
NEARLY: Final = 0.8

#: Shorter texts differ by a word that matters: "قلم : كتابة" is not nearly "قلم : رسم".
SHORTEST_COMPARED: Final = 40


#: Of a shorter text's trigrams: how many are in a longer one that asks the same; fewer if the numbers are the same.
CONTAINED: Final = 0.85
CONTAINED_WITH_ITS_NUMBERS: Final = 0.7

#: Two odd-word questions with so many words in common are one.
ODD_WORDS_SHARED: Final = 3


#: Fewer numbers may be those of another sum.
NUMBERS_SHARED: Final = 2


class Seen:
    """The questions that a new one must not repeat. Safe from any thread, so that lanes may share it.

    A question of another session (EarlierQuestion.is_elsewhere) must not return word for word, with other
    numbers or inside other words; near repeats are checked within this session only. After a few exams, every possible question is
    nearly like an earlier one, and a slot that no question may fill would keep a student waiting.
    """

    def __init__(self, earlier: Iterable[EarlierQuestion] = ()) -> None:
        self._lock = threading.Lock()
        self._exact: set[str] = set()
        self._digits_masked: set[tuple[str, str]] = set()
        self._templates: set[tuple[str, str]] = set()  # of this session
        self._traits: list[Traits] = []  # of this session
        self._elsewhere: list[Traits] = []
        self._templates_elsewhere: set[tuple[str, str]] = set()
        self._refused: set[int] = set()  # slots, for a question of another session
        self._read_passages: dict[str, _Shingled] = {}  # of questions, by their text
        self._kept_passages: dict[int, _Shingled] = {}  # of groups that have no question yet
        for question in earlier:
            self.add(question)

    def add(self, question: EarlierQuestion) -> None:
        traits = Traits.of(question)
        with self._lock:
            self._remember(traits, is_elsewhere=question.is_elsewhere)

    def admit(self, candidate: Traits, *, slot: int | None = None) -> str | None:
        """Add the candidate and return None, or return why it is a repeat: "repeated_text", "repeated_template",
        "repeated_nearly" or "repeated_frame". Atomic, so that only one of two equal questions is added.

        A `slot` is refused once for a question of another session that is neither the same word for word nor with
        other digits. A writer who has nothing else for its subtopic would keep the student waiting.
        """
        with self._lock:
            reason = self._reason(candidate) or self._reason_elsewhere(candidate, slot)
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
        if traits.digits_masked in self._digits_masked or traits.template in self._templates:
            return "repeated_template"
        if any(map(traits.is_nearly, self._traits)):
            return "repeated_nearly"
        return "repeated_frame" if any(map(traits.is_framed, self._traits)) else None

    def _reason_elsewhere(self, traits: Traits, slot: int | None) -> str | None:
        if slot is not None and slot in self._refused:
            return None
        if traits.template in self._templates_elsewhere:
            reason = "repeated_template"
        elif any(map(traits.is_framed, self._elsewhere)):
            reason = "repeated_frame"
        else:
            return None
        if slot is not None:
            self._refused.add(slot)
        return reason

    def _remember(self, traits: Traits, *, is_elsewhere: bool = False) -> None:
        self._exact.add(traits.text)
        self._digits_masked.add(traits.digits_masked)
        templates = self._templates_elsewhere if is_elsewhere else self._templates
        templates.add(traits.template)
        if is_elsewhere:
            self._elsewhere.append(traits)
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

    def is_within(self, other: _Shingled, share: float) -> bool:
        """Whether so much of the shorter text is in the longer one."""
        if min(len(self.text), len(other.text)) < SHORTEST_COMPARED:
            return False
        mine, others = _trigrams(self.masked), _trigrams(other.masked)
        return len(mine & others) >= share * min(len(mine), len(others))


@lru_cache(maxsize=256)
def _passage(written: str) -> _Shingled:
    """Cached, because every question of a group has the same passage."""
    return _Shingled.of(normalize(written))


@dataclass(frozen=True, slots=True)
class Traits:
    """The features of one question that are compared."""

    question_type: QuestionType
    topic: Topic | None
    text: str  #: normalized stem, with passage, figure or choices where they are part of the question
    digits_masked: tuple[str, str]  #: the question's own text, and its passage
    #: Equal for the same sum with other numbers, however they and its unknowns are written; and the passage.
    template: tuple[str, str]
    own: _Shingled  #: without the passage and without words that every question of its type has
    quoted: frozenset[str]
    passage: _Shingled | None
    stem: str  #: masked
    cores: tuple[str, ...]
    figure: str
    choices: frozenset[str]
    numbers: tuple[str, ...]
    pair: features.Pair | None
    pairs: frozenset[features.Pair]

    @classmethod
    def of(cls, question: EarlierQuestion) -> Traits:
        parts = _own_parts(question)
        own = " | ".join(parts)
        passage = _passage(question.passage) if question.passage else None
        about = "" if passage is None else passage.masked
        verbal = features.is_verbal(question)
        pair, pairs = features.pairs(question)
        stem = features.masked(normalize(question.stem), verbal=verbal)
        compared = _COMPARISON_WORDS.sub("", own)
        text = own if passage is None else f"{own} | {passage.text}"
        return cls(
            question_type=question.question_type,
            topic=question.topic,
            text=text,
            digits_masked=(mask_numbers(own), about),
            template=(features.template(question, parts), about),
            own=_Shingled(compared, features.masked(compared, verbal=verbal)),
            quoted=frozenset(normalize(words) for words in _QUOTED.findall(question.stem)),
            passage=passage,
            stem=stem,
            cores=features.cores(question, stem),
            figure=features.figure(question),
            choices=features.choice_set(question),
            numbers=features.numbers(parts),
            pair=pair,
            pairs=pairs,
        )

    @property
    def fingerprint(self) -> str:
        """Equal for two questions if and only if their texts are equal; 64 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def passage_text(self) -> str | None:
        return None if self.passage is None else self.passage.text

    def is_framed(self, other: Traits) -> bool:
        """Whether both are one question, and only the words around it differ."""
        if not self._may_repeat(other) or self.figure != other.figure or self._asks_about_other_words(other):
            return False
        if self.pair is not None and self.pair == other.pair:
            return True
        return self._has_its_words_to_choose(other) or self._frames(other) or other._frames(self)

    def is_nearly(self, other: Traits) -> bool:
        """Questions about different passages are never near; `admit_passage` compares the passages."""
        if not self._may_repeat(other):
            return False
        if self.pair is not None and other.pair is not None:
            return self._is_turned(self.pair, other.pair, other)
        if self.question_type is QuestionType.ODD_WORD:
            return len(self.choices & other.choices) >= ODD_WORDS_SHARED
        if self._asks_about_other_words(other):
            return False
        if self._has_its_numbers(other):
            return True
        return self._asks_for_the_same(other) and (self.own.is_nearly(other.own) or self._is_within(other))

    def _may_repeat(self, other: Traits) -> bool:
        return self.question_type is other.question_type and self.passage_text == other.passage_text

    def _frames(self, other: Traits) -> bool:
        """Whether this stem has the other's core in it, and its numbers too, where they are the question."""
        return any(
            core in self.stem and self._chooses_alike(core, other) and self._has_all_numbers_of(other)
            for core in other.cores
        )

    def _has_all_numbers_of(self, other: Traits) -> bool:
        return Counter(other.numbers) <= Counter(self.numbers)

    def _chooses_alike(self, core: str, other: Traits) -> bool:
        return self.choices == other.choices or _POINTS_AT_CHOICES.search(core) is None

    def _has_its_words_to_choose(self, other: Traits) -> bool:
        if (
            self.passage is not None
            or self.choices != other.choices
            or self.topic != other.topic
            or not self.choices
        ):
            return False
        return not any(map(_DIGIT.search, self.choices))

    def _is_turned(self, mine: features.Pair, others: features.Pair, other: Traits) -> bool:
        """The pair read from its other side, or the pairs of stem and key exchanged."""
        return mine == others[::-1] or (mine in other.pairs and others in self.pairs)

    def _is_within(self, other: Traits) -> bool:
        if self.passage is not None:
            return False  # questions about a passage all begin with what it is about
        has_its_numbers = len(self.numbers) >= NUMBERS_SHARED and self.numbers == other.numbers
        return self.own.is_within(other.own, CONTAINED_WITH_ITS_NUMBERS if has_its_numbers else CONTAINED)

    def _asks_for_the_same(self, other: Traits) -> bool:
        """Whether one names the other's quantities, in their order: not the area where the other asks for the length."""
        fewer, more = sorted((features.quantities(self.stem), features.quantities(other.stem)), key=len)
        return any(more[at : at + len(fewer)] == fewer for at in range(len(more) - len(fewer) + 1))

    def _has_its_numbers(self, other: Traits) -> bool:
        """The same numbers in stem and choices, and no quantity or operator that makes it another question."""
        if (
            not self.numbers
            or self.numbers != other.numbers
            or self.choices != other.choices
            or not self.choices
        ):
            return False
        mine, others = set(features.quantities(self.stem)), set(features.quantities(other.stem))
        if mine - others and others - mine:
            return False
        signs, other_signs = features.operators(self.stem), features.operators(other.stem)
        return not signs or not other_signs or signs == other_signs

    def _asks_about_other_words(self, other: Traits) -> bool:
        """The meaning of «this» and the meaning of «that»: one sentence pattern, two questions."""
        return bool(self.quoted and other.quoted and self.quoted.isdisjoint(other.quoted))


def _own_parts(question: EarlierQuestion) -> list[str]:
    if question.question_type is QuestionType.ODD_WORD:
        return _normalized_choices(question)
    parts = [normalize(question.stem)]
    if question.diagram is not None:
        drawn = question.diagram.get("figure", question.diagram)  # older ones consist of their texts
        parts.append(normalize(json.dumps(drawn, ensure_ascii=False, sort_keys=True)))
    if _POINTS_AT_CHOICES.search(parts[0]):
        parts += _normalized_choices(question)
    return parts


def _normalized_choices(question: EarlierQuestion) -> list[str]:
    return sorted(normalize(choice) for choice in question.choices)


#: Normalized: "which of the following", where the choices are part of the question.
_POINTS_AT_CHOICES: Final = re.compile(r"\b(?:مما|فيما|ما) (?:يلي|ياتي)\b|\b(?:الاتي|التالي)(?:ه|ات)?\b")
_COMPARISON_WORDS: Final = re.compile("القيمه (?:الاولي|الثانيه)")
_DIGIT: Final = re.compile(r"\d")
_QUOTED: Final = re.compile('[«“"]([^«»“”"]+)[»”"]')
