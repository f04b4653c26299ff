"""The rules for a well-formed question, the same for every model.

A rule returns None for a good candidate, or the stable snake_case reason to reject it. No rule edits the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Final

from generation.model import (
    CHOICES_PER_QUESTION,
    COMPARISON_CHOICES,
    QuestionType,
    Section,
    Slot,
)
from generation.normalization import normalize
from generation.proof.quantity import quantity_in
from generation.rules.disclosures import Written
from generation.rules.table import Severity, broken_rules, rejecting_rule
from generation.schema import DraftQuestion


@dataclass(frozen=True, slots=True)
class Candidate:
    """A well-formed draft with its slot, and the texts that the rules compare, normalized once."""

    slot: Slot
    draft: DraftQuestion
    figure_texts: tuple[str, ...] = ()
    stem: str = field(init=False)  #: normalized
    key: str = field(init=False)  #: normalized
    distractors: tuple[str, ...] = field(init=False)  #: normalized

    def __post_init__(self) -> None:
        object.__setattr__(self, "stem", normalize(self.draft.stem))
        object.__setattr__(self, "key", normalize(self.draft.answer))
        object.__setattr__(
            self, "distractors", tuple(normalize(text) for text in self.draft.distractors or ())
        )

    @property
    def is_comparison(self) -> bool:
        return self.slot.question_type is QuestionType.COMPARISON

    @property
    def choices(self) -> tuple[str, ...]:
        return (self.key, *self.distractors)

    @property
    def written_choices(self) -> tuple[str, ...]:
        return (self.draft.answer, *(self.draft.distractors or ()))


Rule = Callable[[Candidate], str | None]

#: The ratio of the longest choice to the shortest, if the difference in characters is also visible.
_LENGTH_RATIO: Final = 3
_LENGTH_GAP: Final = 12
_SHORTEST_STEM: Final = 5
_SHORTEST_EXPLANATION: Final = 10
_ARABIC_SHARE: Final = {Section.QUANTITATIVE: 0.5, Section.VERBAL: 0.8}
_EXPLANATION_ARABIC_SHARE: Final = 0.5
_ODD_WORD_WORDS: Final = 3
_SHORTEST_PASSAGE_WORDS: Final = 40


def first_reason(candidate: Candidate) -> str | None:
    """The reason of the first rule that the candidate breaks, or None."""
    return next(_reasons(candidate), None)


def all_reasons(candidate: Candidate) -> list[str]:
    """Every reason to reject the candidate; of the rules for texts, all."""
    texts = (rule.name for rule in broken_rules(written(candidate)) if rule.severity is Severity.REJECT)
    return [*_reasons(candidate), *texts]


def _reasons(candidate: Candidate) -> Iterator[str]:
    for rule in (*_RULES, _TYPE_RULES.get(candidate.slot.question_type), *_TEXT_RULES):
        if rule is not None and (reason := rule(candidate)) is not None:
            yield reason


def passage_reason(text: str) -> str | None:
    """The reason why questions cannot be about this text: it is short, not Arabic, or not clean; or None."""
    broken = rejecting_rule(Written("", "", others=(text,)))
    if broken is not None:
        return broken.name
    is_short = len(text.split()) < _SHORTEST_PASSAGE_WORDS
    return "poor_passage" if is_short or _arabic_share(text) < _ARABIC_SHARE[Section.VERBAL] else None


def fixed_choice(normalized: str) -> str:
    """The one of COMPARISON_CHOICES that this normalized text means."""
    return _COMPARISON_CHOICES[normalized]


def _stem_says_something(candidate: Candidate) -> str | None:
    return "short_stem" if len(candidate.stem) < _SHORTEST_STEM else None


def _solution_is_shown(candidate: Candidate) -> str | None:
    return "short_explanation" if len(candidate.draft.explanation.strip()) < _SHORTEST_EXPLANATION else None


def _is_arabic(candidate: Candidate) -> str | None:
    wanted = _ARABIC_SHARE[candidate.slot.section]
    explained = _arabic_share(candidate.draft.explanation, of_none=1)
    if _arabic_share(candidate.draft.stem) < wanted or explained < _EXPLANATION_ARABIC_SHARE:
        return "not_arabic"
    if candidate.slot.section is Section.VERBAL and _arabic_share(" ".join(candidate.choices)) < wanted:
        return "not_arabic"
    return None


def _arabic_share(text: str, *, of_none: float = 0) -> float:
    letters = sum(map(len, _LETTERS.findall(text)))
    return sum(map(len, _ARABIC_LETTERS.findall(text))) / letters if letters else of_none


def _has_its_choices(candidate: Candidate) -> str | None:
    if not candidate.is_comparison:
        return None if len(candidate.choices) == CHOICES_PER_QUESTION else "wrong_distractors"
    if candidate.key not in _COMPARISON_CHOICES:
        return "comparison_answer_unknown"
    others = {_COMPARISON_CHOICES.get(each) for each in candidate.distractors}
    if others and others != {*COMPARISON_CHOICES} - {fixed_choice(candidate.key)}:
        return "wrong_distractors"
    return None


def _has_one_key(candidate: Candidate) -> str | None:
    """The four choices differ as texts and as numbers: 1/2 and 50% would be two keys (D15)."""
    if candidate.is_comparison:
        return None
    values = {_value(choice) for choice in candidate.choices}
    differ = len(values) == CHOICES_PER_QUESTION and "" not in values
    return None if differ and not _two_state_the_same(candidate.written_choices) else "choices_not_distinct"


def _two_state_the_same(choices: Sequence[str]) -> bool:
    """Whether two choices state one quantity in other forms, words or units."""
    quantities = [found for found in map(quantity_in, choices) if found is not None]
    return any(one.states(other) for one, other in combinations(quantities, 2))


def _value(choice: str) -> str | tuple[Fraction | str, ...]:
    """The number in a normalized choice with the words after it, its ratio as numbers, or the choice itself."""
    try:
        if _RATIO.fullmatch(choice):
            first, *others = map(Fraction, choice.split(":"))
            return *(first / other for other in others), ""
        found = _QUANTITY.fullmatch(choice)
        return choice if found is None else (_number(found), found["unit"])
    except ZeroDivisionError:
        return choice


def _number(found: re.Match[str]) -> Fraction:
    number = Fraction(found["number"].replace(",", ""))
    below = Fraction(found["below"] or 1)
    if found["above"] is None:
        number /= below
    else:  # two and a half
        part = Fraction(found["above"]) / below
        number += -part if found["number"].startswith("-") else part
    return number / (100 if found["percent"] else 1)


def written(candidate: Candidate, shown: Sequence[str] = ()) -> Written:
    """What the rules for texts see; `shown`: the choices in the order that a student sees, if it is known."""
    draft = candidate.draft
    return Written(
        draft.stem,
        draft.explanation,
        () if candidate.is_comparison else candidate.written_choices,
        candidate.figure_texts,
        lists_words=candidate.slot.question_type in _LISTING_TYPES,
        kind=candidate.slot.question_type,
        key=draft.answer,
        shown=() if candidate.is_comparison else shown,
    )


def _texts_are_clean(candidate: Candidate) -> str | None:
    broken = rejecting_rule(written(candidate))
    if broken is None:
        return None
    # What is hardly Arabic at all is that, and not Arabic with Latin words.
    foreign = _is_arabic(candidate) if broken.name == "latin_words" else None
    return foreign or broken.name


def _lengths_match(candidate: Candidate) -> str | None:
    if candidate.is_comparison:
        return None
    lengths = sorted(len(choice) for choice in candidate.choices)
    shortest, longest = lengths[0], lengths[-1]
    uneven = longest > _LENGTH_RATIO * shortest and longest - shortest > _LENGTH_GAP
    return "uneven_choices" if uneven else None


def _names_both_quantities(candidate: Candidate) -> str | None:
    named = all(normalize(name) in candidate.stem for name in ("القيمة الأولى", "القيمة الثانية"))
    return None if named else "comparison_without_quantities"


def _holds_pairs(candidate: Candidate) -> str | None:
    paired = _PAIR.search(candidate.draft.stem) and all(map(_ONLY_A_PAIR.match, candidate.written_choices))
    return None if paired else "analogy_without_pairs"


def _has_a_blank(candidate: Candidate) -> str | None:
    return None if _BLANK.search(candidate.draft.stem) else "completion_without_blank"


def _marks_its_words(candidate: Candidate) -> str | None:
    """Every choice occurs in the sentence."""
    sentence = f" {candidate.stem} "
    found = all(f" {choice} " in sentence for choice in candidate.choices)
    return None if found else "error_word_not_in_stem"


def _choices_are_words(candidate: Candidate) -> str | None:
    return "odd_word_too_long" if _most_words(candidate.choices) > _ODD_WORD_WORDS else None


def _most_words(choices: Sequence[str]) -> int:
    return max(len(choice.split()) for choice in choices)


_RULES: Final[tuple[Rule, ...]] = (
    _stem_says_something,
    _solution_is_shown,
    _has_its_choices,
    _has_one_key,
)

_TEXT_RULES: Final[tuple[Rule, ...]] = (_texts_are_clean, _lengths_match, _is_arabic)

#: The types that ask for their choices in the stem.
_LISTING_TYPES: Final = frozenset({QuestionType.ERROR, QuestionType.ODD_WORD})

_TYPE_RULES: Final[dict[QuestionType, Rule]] = {
    QuestionType.COMPARISON: _names_both_quantities,
    QuestionType.ANALOGY: _holds_pairs,
    QuestionType.COMPLETION: _has_a_blank,
    QuestionType.ERROR: _marks_its_words,
    QuestionType.ODD_WORD: _choices_are_words,
}

#: Raised and lowered signs and Greek letters are mathematics in any language.
_LETTERS: Final = re.compile(
    "[^\\W\\d_\u00aa\u00b2\u00b3\u00b9\u00ba\u02b0-\u02ff\u0370-\u03ff\u2070-\u209f]+"
)
_ARABIC_LETTERS: Final = re.compile("[\u0621-\u063a\u0641-\u064a\u066e-\u06d3]+")
_PAIR: Final = re.compile(r"\w\W?\s*[:∶]\s*\W?\w")
_ONLY_A_PAIR: Final = re.compile(r"^\s*\w[^:∶]*[:∶][^\w:∶]*\w[^:∶]*$")
_BLANK: Final = re.compile(r"\.{3,}|…|_{2,}|ـ{3,}|-{3,}|[(\[]\s*[)\]]")

#: By their normalized texts; models shorten the fourth.
_COMPARISON_CHOICES: Final = {
    **{normalize(choice): choice for choice in COMPARISON_CHOICES},
    normalize("المعطيات غير كافية"): COMPARISON_CHOICES[3],
}

#: For normalized text.
_QUANTITY: Final = re.compile(
    r"(?P<number>-?\d+(?:,\d{3})*(?:\.\d+)?)(?:(?: (?P<above>\d+))?/(?P<below>\d+))?(?P<percent>%)? ?"
    r"(?P<unit>(?:[^\W\d].*)?)"
)
_RATIO: Final = re.compile(r"(?<!\d)\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)+")
