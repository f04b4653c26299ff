"""The features by which two questions with different texts are known as one: frame, pairs, quantities, numbers.

Every function reads one question once, in time linear in its length; comparing them is `generation.repeats.seen`.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Final

from generation.figures.catalogue import DRAWN
from generation.model import (
    COMPARISON_CHOICES,
    EarlierQuestion,
    QuestionType,
    Section,
)
from generation.normalization import mask_numbers, normalize
from generation.repeats.numbers import numbers_in, rename_unknowns, with_digits

#: Letters and numbers. Shorter sentences may stand in two questions: "كم عدد طلاب المدرسة؟".
SHORTEST_CORE_LETTERS: Final = 20

Pair = tuple[str, str]


def is_verbal(question: EarlierQuestion) -> bool:
    if question.topic is not None:
        return question.topic.section is Section.VERBAL
    return question.question_type in _VERBAL


def masked(normalized: str, *, verbal: bool) -> str:
    """The text with `#` for every number, however it is written, and one name for each unknown.

    Verbal texts keep their number words and plurals: "كتاب : كتب" asks about them.
    """
    if verbal:
        return mask_numbers(normalized)
    text = _MINUS.sub("", mask_numbers(with_digits(normalized)))
    return _UNIT_APART.sub("#", rename_unknowns(_LIST.sub("##", text)))


def template(question: EarlierQuestion, own: list[str]) -> str:
    """Equal for the same sum with other numbers, number words or unknowns, and for two values that changed places."""
    values = _values(own[0]) if question.question_type is QuestionType.COMPARISON else None
    verbal = is_verbal(question)
    if values is None:
        return masked(" | ".join(own), verbal=verbal)
    before, first, second = values
    rest = own[1:]
    orders = ((before, first, second, *rest), (before, second, first, *rest))
    return min(masked(" | ".join(order), verbal=verbal) for order in orders)


def _values(stem: str) -> tuple[str, str, str] | None:
    """What stands before the two values of a comparison, and the two; None for another stem. Linear, unlike a pattern."""
    before, named_first, values = stem.partition(_FIRST_VALUE)
    first, named_second, second = values.rpartition(_SECOND_VALUE)
    return (before, first, second) if named_first and named_second and first and second else None


def numbers(own: list[str]) -> tuple[str, ...]:
    """The numbers of stem and figure, sorted; words count as numbers."""
    return numbers_in(with_digits(" | ".join(own)))


def choice_set(question: EarlierQuestion) -> frozenset[str]:
    """The choices in any order, numbers without their units; empty for the fixed choices of comparisons."""
    if question.question_type is QuestionType.COMPARISON or set(question.choices) == {*COMPARISON_CHOICES}:
        return frozenset()
    normalized = [normalize(choice) for choice in question.choices]
    if question.question_type in _COMPARED_BY_WORDS:
        return frozenset(map(_without_articles, normalized))
    if is_verbal(question):
        return frozenset(normalized)
    read = [with_digits(choice) for choice in normalized]
    values = [_UNIT.sub("", choice) for choice in read]
    return frozenset(values if len(set(values)) == len(values) else read)


def figure(question: EarlierQuestion) -> str:
    """What tells one figure from another; its drawing may change with our renderer."""
    if question.diagram is None:
        return ""
    drawn = {name: value for name, value in question.diagram.items() if name not in DRAWN}
    return json.dumps(drawn, ensure_ascii=False, sort_keys=True)


def cores(question: EarlierQuestion, stem: str) -> tuple[str, ...]:
    """The masked texts that are this question whatever words stand around them, and are long enough to tell.

    The masked stem itself; what follows a lead-in ("قالت المعلمة: ..."); in verbal items every sentence that is no
    instruction. Empty for types that are compared by their words.
    """
    if question.question_type in _COMPARED_BY_WORDS:
        return ()
    verbal = is_verbal(question)
    sentences = verbal and question.question_type is not QuestionType.READING
    parts = _sentences(question) if sentences else _after_a_lead_in(question.stem)
    texts = dict.fromkeys((stem, *(masked(normalize(part), verbal=verbal) for part in parts)))
    return tuple(text for text in texts if len(_NO_LETTER.sub("", text)) >= SHORTEST_CORE_LETTERS)


def pairs(question: EarlierQuestion) -> tuple[Pair | None, frozenset[Pair]]:
    """Of an analogy: the pair in the stem and those in the choices."""
    if question.question_type is not QuestionType.ANALOGY:
        return None, frozenset()
    found = (_pair(choice) for choice in question.choices)
    return _pair_in(question.stem), frozenset(pair for pair in found if pair is not None)


def quantities(text: str) -> tuple[str, ...]:
    """The words of a masked text that turn a question into another: area, perimeter, mean, larger; in order."""
    return tuple(_QUANTITY.findall(text))


def operators(text: str) -> str:
    return "".join(sorted(_OPERATOR.findall(text)))


def _after_a_lead_in(stem: str) -> list[str]:
    """What follows each colon, if the question itself is still in it."""
    rests = [stem[colon.end() :] for colon in _LEAD_IN.finditer(stem)][:_MOST_PARTS]
    return [rest for rest in rests if _ASKS.search(normalize(rest))]


def _sentences(question: EarlierQuestion) -> list[str]:
    """The stem's sentences, quotations and what follows its lead-ins, without lead-ins, questions and instructions."""
    stem = question.stem
    ends = [0, *(end.end() for end in _SENTENCE_END.finditer(stem)), len(stem)][:_MOST_PARTS]
    parts = [stem[start:end].strip() for start, end in pairwise(ends)]
    parts += _LONG_QUOTATION.findall(stem)
    return [
        part for part in parts if part and part[-1] not in ":؟?" and not _INSTRUCTION.match(normalize(part))
    ]


def _pair_in(stem: str) -> Pair | None:
    """The pair that the stem is, quotes, or ends with."""
    quoted = [words for words in _QUOTED_PAIR.findall(stem) if ":" in words]
    if quoted:
        return _pair(quoted[-1])
    parts = stem.replace("؟", "").split(":")
    if len(parts) == _A_PAIR:
        whole = _pair(stem)
        if whole is not None and len(" ".join(whole).split()) <= _LONGEST_PAIR_WORDS:
            return whole
    if len(parts) < _A_PAIR:
        return None
    before, after = normalize(parts[-2]).split(), normalize(parts[-1]).split()
    return (_without_articles(before[-1]), _without_articles(after[0])) if before and after else None


def _pair(text: str) -> Pair | None:
    parts = [_without_articles(normalize(part)) for part in text.split(":")]
    return (parts[0], parts[1]) if len(parts) == _A_PAIR and all(parts) else None


def _without_articles(normalized: str) -> str:
    """القلم and قلم are one word of a list; in ألم the letters belong to the word."""
    return _ARTICLE.sub("", normalized)


_ARTICLE: Final = re.compile(r"\bال(?=\w{3})")
_A_PAIR: Final = 2
_LONGEST_PAIR_WORDS: Final = 6
#: Bounds the work for a stem of colons.
_MOST_PARTS: Final = 12

_VERBAL: Final = {
    QuestionType.READING,
    QuestionType.ANALOGY,
    QuestionType.COMPLETION,
    QuestionType.ERROR,
    QuestionType.ODD_WORD,
}
_COMPARED_BY_WORDS: Final = {QuestionType.ANALOGY, QuestionType.ODD_WORD}

_FIRST_VALUE: Final = "القيمه الاولي "
_SECOND_VALUE: Final = " القيمه الثانيه "
#: The sign of a number that stands behind nothing it could be subtracted from.
_MINUS: Final = re.compile(r"(?<![\w#)])-(?=#)")
#: "400 م" and "400م", after the letter was renamed.
_UNIT_APART: Final = re.compile(r"# (?=[A-Z](?![^\W\d_]))")
#: Three numbers or more in a row, with or without hyphens and brackets.
_LIST: Final = re.compile(r"\(?#(?:[ -]+#){2,}(?:[ .-]*[.-])?\)?")
_NO_LETTER: Final = re.compile(r"[^ا-ي#]")
_UNIT: Final = re.compile(r"(?<=[\d%°π]) ?[^\d%°π/*+^√-]+$")

_LEAD_IN: Final = re.compile(r"(?<!\d):(?=\s)|:\s*(?=[«“\"])")
_SENTENCE_END: Final = re.compile(r"[:؟?!\n]|\.(?=\s|$)")
_LONG_QUOTATION: Final = re.compile('[«“"]([^«»“”"]{25,})[»”"]')
_QUOTED_PAIR: Final = re.compile('[«“"]([^«»“”"]+)[»”"]')
_INSTRUCTION: Final = re.compile(
    "(?:اختر|اختاري|حدد|حددي|عين|اكمل|اكملي|استخرج|بين|ضع|اقر|اقري|املا|تامل|اكتشف)\\b"
)
_ASKS: Final = re.compile(r"\b[وفب]?(?:ما|كم|بكم|اي|متي|ماذا|اين|هل|احسب|اوجد|جد|كيف)\b")
_QUANTITY: Final = re.compile(
    "محيط|مساح|حجم|قطر|ارتفاع|سرع|زمن|مساف|متوسط|وسيط|منوال|مدي|ربح|خسار|تكلف|احتمال|مجموع|فرق|ناتج|"
    "ضرب|اكبر|اصغر|اول|اخر|اخير|ثمن|باق|معني|ضد|مرادف|زوجي|فردي|قبل|بعد|اضعاف|ضعف|يزيد|ينقص|زاوي"
)
_OPERATOR: Final = re.compile(r"[+×÷*√^]|(?<=[\w#)])-")
