"""How choices tell the key to who knows nothing, or allow a second one.

Each function takes the whole question as the model wrote it. All patterns are linear in the length of the texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from generation.model import QuestionType
from generation.normalization import normalize
from generation.proof.quantity import Quantity, quantity_in
from generation.rules.catch_all import refers_to_other_choices
from generation.rules.disclosures import Written


def refers_to_choices(question: Written) -> bool:
    """Whether a choice refers to other choices, or to none of them, instead of giving an answer."""
    return any(map(refers_to_other_choices, question.choices))


def key_is_far_longer(question: Written) -> bool:
    """Whether the key is half as long again as the longest distractor, and by more than a short word."""
    if not question.choices:
        return False
    key, *others = (len(normalize(choice)) for choice in question.choices)
    return key > _LENGTH_RATIO * max(others) and key - max(others) > _LENGTH_GAP_CHARS


def only_distractors_are_absolute(question: Written) -> bool:
    """Whether two distractors at least say always, never or all, and the key does not."""
    if not question.choices or question.lists_words:
        return False
    key, *others = (_ABSOLUTE.search(f" {normalize(choice)} ") is not None for choice in question.choices)
    return not key and sum(others) >= _MOST


def key_differs_in_form(question: Written) -> bool:
    """Whether the key alone has a form that all distractors lack, or lacks one that they share.

    The article, the noun after the number, the gender of a gap's word, the ending of its verb.
    """
    choices = [_words(choice) for choice in question.choices]
    if not choices or not all(choices):
        return False
    return any(_only_first(form, choices) for form in _forms(question)) or _only_key_counts_so(choices)


def key_gathers_shared_parts(question: Written) -> bool:
    """Whether every distractor shares a part with the key, each part is shared, and no other choice is so central."""
    parts = [_parts(choice) for choice in question.choices]
    if not parts or {len(found) for found in parts} != {_PAIR}:
        return False
    times = Counter(placed for found in parts for placed in enumerate(found))
    key, *others = (sum(times[placed] for placed in enumerate(found)) for found in parts)
    is_shared = all(times[placed] > 1 for placed in enumerate(parts[0]))
    touch = all(any(map(str.__eq__, parts[0], other)) for other in parts[1:])
    return is_shared and touch and key > max(others)


def is_out_of_order(question: Written) -> bool:
    """Whether choices that are numbers of one sort are shown neither upwards nor downwards."""
    found = [quantity_in(choice) for choice in question.shown]
    numbers = [quantity for quantity in found if quantity is not None and not quantity.relation]
    if len(numbers) < _FEWEST_ORDERED or len(numbers) < len(found):
        return False
    if len({_sort(quantity) for quantity in numbers}) > 1:
        return False
    rises = {one.value < other.value for one, other in pairwise(numbers)}
    return len(rises) > 1


def ranges_share_the_answer(question: Written) -> bool:
    """Whether the answer lies in the key's range and in a distractor's.

    The answer is the last result of the solution, or what the stem sets. A range within another needs no answer:
    who is right about the narrow one is right about the wide one. Of sets of solutions one is complete.
    """
    if not question.choices or _ASKS_FOR_A_SET.search(normalize(question.stem)):
        return False
    if (
        _TWO_NUMBERS.fullmatch(normalize(question.choices[0]))
        and "بين" not in normalize(question.stem).split()
    ):
        return False
    key, *others = (_range_in(choice) for choice in question.choices)
    if key is None:
        return False
    ranges = [other for other in others if other is not None]
    answers = [*_results(question.explanation)[-1:], *_results(question.stem)[-1:]]
    return any(other.holds(key) for other in ranges) or any(
        key.has(answer) and other.has(answer) for answer in answers for other in ranges
    )


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float
    closed_low: bool = True
    closed_high: bool = True

    def has(self, number: float) -> bool:
        above = number > self.low or (self.closed_low and number == self.low)
        return above and (number < self.high or (self.closed_high and number == self.high))

    def holds(self, other: _Range) -> bool:
        """Whether the other range is a part of this one, and not the same up to its ends."""
        wider = (self.low, self.high) != (other.low, other.high)
        return wider and self.low <= other.low and other.high <= self.high


def _range_in(choice: str) -> _Range | None:
    text = normalize(choice)
    if found := _BETWEEN.fullmatch(text):
        low, high = _float(found["low"]), _float(found["high"])
        return None if low is None or high is None or low >= high else _Range(low, high)
    if found := _BEYOND.fullmatch(text):
        number = _float(found["number"])
        sign = found["sign"] or _SIGN_OF.get((found["word"] or found["after"] or "").strip(), "")
        if number is None or not sign:
            return None
        is_closed = sign in "≤≥"
        if sign in ">≥":
            return _Range(number, float("inf"), closed_low=is_closed)
        return _Range(float("-inf"), number, closed_high=is_closed)
    return _range_in_words(text)


def _range_in_words(text: str) -> _Range | None:
    """Of أكثر من نصف ساعة and its like."""
    found = _WORDED.fullmatch(text)
    number = None if found is None else _float(found["number"])
    if found is None or number is None:
        return None
    is_above = _SIGN_OF[found["word"]] in ">≥"
    is_closed = _SIGN_OF[found["word"]] in "≤≥"
    if is_above:
        return _Range(number, float("inf"), closed_low=is_closed)
    return _Range(float("-inf"), number, closed_high=is_closed)


def _results(text: str) -> list[float]:
    found = (_float(match[1]) for match in _RESULT.finditer(normalize(text)))
    return [number for number in found if number is not None]


def _float(text: str) -> float | None:
    quantity = quantity_in(text)
    return None if quantity is None else float(quantity.value)


def _sort(quantity: Quantity) -> str:
    """Unknown nouns count as one sort: 3 ريالات and 11 ريالًا are forms of one."""
    return quantity.dimension[:_NOUN_ROOT_CHARS]


def _words(choice: str) -> list[str]:
    return normalize(choice).split()


def _parts(choice: str) -> list[str]:
    found = [normalize(part) for part in _PART.split(choice)]
    return [part for part in found if part]


_Form = Callable[[Sequence[str]], bool]


def _forms(question: Written) -> list[_Form]:
    if question.kind is QuestionType.ERROR:  # its choices stand in a sentence that needs their forms
        return []
    if question.kind is QuestionType.COMPLETION:
        agrees = [_is_feminine] if _FEMININE_BEFORE_GAP.search(question.stem) else []
        return [_has_article, *agrees, _ends_as_plural_verb]
    if _ASKS_FOR_A_VERB.search(question.stem):
        return [_has_article, _begins_as_verb]
    return [_has_article, _ends_as_plural_verb]


def _only_first(has: _Form, choices: Sequence[Sequence[str]]) -> bool:
    if has is _has_article and any(len(words) > 1 for words in choices):
        return False
    key, *others = map(has, choices)
    return len(set(others)) == 1 and key is not others[0]


def _has_article(words: Sequence[str]) -> bool:
    return words[0].startswith("ال")


def _is_feminine(words: Sequence[str]) -> bool:
    return len(words) == 1 and words[0].endswith("ه") and not words[0].startswith("ال")


def _ends_as_plural_verb(words: Sequence[str]) -> bool:
    return words[0].endswith("وا")


def _begins_as_verb(words: Sequence[str]) -> bool:
    return words[0].startswith("ي")


def _only_key_counts_so(choices: Sequence[Sequence[str]]) -> bool:
    """Whether the noun after the key's number has a form that none of the distractors' equal nouns has.

    A form that the number itself asks for (5 ساعات, 15 ساعة) is no cue.
    """
    if any(len(words) != _NUMBER_AND_NOUN or not words[0][0].isdigit() for words in choices):
        return False
    key, *others = (words[1] for words in choices)
    key_count, *counts = (_counted_as(words[0]) for words in choices)
    is_alone = len(set(others)) == 1 and key != others[0] and key[:1] == others[0][:1]
    return is_alone and key_count in counts


def _counted_as(number: str) -> int:
    """0 before a noun in the plural, 1 before one in the accusative singular, 2 before one in the genitive."""
    last_two = int(number[-2:]) if number.isdecimal() else 0
    return 0 if last_two in _FEW else 1 if last_two in _MANY else 2


_LENGTH_RATIO: Final = 1.5
_LENGTH_GAP_CHARS: Final = 8
_MOST: Final = 2
_PAIR: Final = 2
_FEWEST_ORDERED: Final = 3
_NOUN_ROOT_CHARS: Final = 3
_NUMBER_AND_NOUN: Final = 2
_FEW: Final = range(3, 11)
_MANY: Final = range(11, 100)

#: For normalized text.
_ABSOLUTE: Final = re.compile(
    r" (?:دايما|ابدا|قط|مطلقا|حتما|قطعا|كليا|تماما|البته|بتاتا|قاطبه|كلها|كله|كلهم|جميعها|جميعا|جميعهم|كل|جميع|فقط|وحده|وحدها"
    r"|مستحيل|استحاله|بلا استثناء|دون استثناء|علي الاطلاق|لا يمكن) "
)
_PART: Final = re.compile(r" [–—-] |[،؛]| و(?=[\d(])")
#: A gap after a feminine noun asks for its adjective.
_FEMININE_BEFORE_GAP: Final = re.compile(r"ة[\u064b-\u0652]? \(?\.\.\.")
_ASKS_FOR_A_VERB: Final = re.compile("(?<!\\w)(?:الفعل|فعل)(?!\\w)")
_ASKS_FOR_A_SET: Final = re.compile("مجموع[هة]|حل المتباين|قيم [^ ]{1,3} |طول الضلع|مدي")

_NUMBER: Final = r"-?[\d.,/^√π]{1,20}%?"
_NOUN: Final = r"(?: ?[^\W\d]+(?:\^\d)?)?"
#: A range only after a stem that asks "between which".
_SHORT_NOUN: Final = r"(?: ?[^\W\d]{1,20}(?:\^\d)?)?"
_TWO_NUMBERS: Final = re.compile(rf"{_NUMBER}{_SHORT_NOUN} و ?{_NUMBER}{_SHORT_NOUN}")
_BETWEEN: Final = re.compile(
    rf"(?:بين |من |ما بين |اكثر من |اكبر من |اقل من )?(?P<low>{_NUMBER}){_NOUN}"
    rf"(?: ?الي (?:اقل من |اصغر من )?| و ?(?:اقل من |اصغر من |اكبر من |اكثر من )?|-|[<≤][^\W\d]{{1,2}}[<≤])"
    rf"(?P<high>{_NUMBER}){_NOUN}{_NOUN}"
)
_BEYOND: Final = re.compile(
    rf"(?:[^\W\d]{{1,2}}(?P<sign>[<>≤≥])|(?P<word>(?:اكبر|اصغر|اقل|اكثر|ازيد) من |لا يقل عن |لا يزيد عن |لا يزيد علي )?)"
    rf"(?P<number>{_NUMBER}){_NOUN}?(?: (?P<after>علي الاقل|علي الاكثر|فاكثر|فاقل|او اكثر|او اقل))?(?: [^\W\d]+)?"
)
_SIGN_OF: Final = {
    **dict.fromkeys(("اكبر من", "اكثر من", "ازيد من"), ">"),
    **dict.fromkeys(("اصغر من", "اقل من"), "<"),
    **dict.fromkeys(("لا يقل عن", "علي الاقل", "فاكثر", "او اكثر"), "≥"),
    **dict.fromkeys(("لا يزيد عن", "لا يزيد علي", "علي الاكثر", "فاقل", "او اقل"), "≤"),
}
_WORDED: Final = re.compile(rf"(?P<word>{'|'.join(_SIGN_OF)}) (?P<number>.{{1,40}})")
_RESULT: Final = re.compile(rf"=({_NUMBER})(?![\d%(×÷*/+^-])")
