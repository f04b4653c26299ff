"""How a question gives its key away, or names choices by places that the program has yet to shuffle.

Each function takes the whole question as the model wrote it. All patterns are linear in the length of the texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from generation.model import CHOICES_PER_QUESTION
from generation.normalization import normalize


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of a question as written. The key is the first choice; a comparison has none of its own."""

    stem: str
    explanation: str
    choices: Sequence[str] = ()
    others: Sequence[str] = ()  #: of its figure
    lists_words: bool = False  #: its type asks for the choices in the stem

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.stem, self.explanation, *self.choices, *self.others)


def names_a_choice(question: Written) -> bool:
    """Whether stem or explanation name a choice by letter, number or place.

    A letter that the stem has is a point of the figure or an unknown; a number that a choice has is its value.
    """
    known = {found[1] for text in (question.stem, *question.others) for found in _LETTER.finditer(text)}
    values = {normalize(choice).partition(" ")[0] for choice in question.choices}
    return any(
        _PLACED.search(text)
        or any(found[found.lastgroup or 0] not in known for found in _LETTERED.finditer(text))
        or any(normalize(found[1]) not in values for found in _NUMBERED.finditer(text))
        for text in (question.stem, question.explanation)
    )


def tells_key(question: Written) -> bool:
    """Whether the stem states the answer: in brackets, or after a word for it and equal to the key."""
    if _ANSWER_IN_BRACKETS.search(question.stem):
        return True
    if not question.choices:
        return False
    key = normalize(question.choices[0])
    longest = 2 * len(question.choices[0]) + _MARGIN_CHARS
    ends = (found.end() for found in _ANSWER_IS.finditer(question.stem))
    return any(f"{normalize(question.stem[end : end + longest])} ".startswith(f"{key} ") for end in ends)


def lists_choices(question: Written) -> bool:
    """Whether the stem repeats the choices: with letters before them, or all four after the question itself."""
    letters = "".join(found[1] for found in _LISTED.finditer(question.stem))
    if "أبج" in letters or "ABC" in letters.upper():
        return True
    tail = max(question.stem.rfind("؟"), question.stem.rfind("?"))
    if question.lists_words or tail < 0 or not question.choices:
        return False
    listed = f" {normalize(question.stem[tail + 1 :])} "
    choices = [normalize(choice) for choice in question.choices]
    return all(choice and f" {choice} " in listed for choice in choices)


def letters_choices(question: Written) -> bool:
    """Whether a letter or a number is before a choice: the program orders them, so it is wrong, or hints at the key."""
    choices = [choice.strip() for choice in question.choices]
    dashed = {found[1] for choice in choices if (found := _DASHED_LETTER.match(choice))}
    return len(dashed) == CHOICES_PER_QUESTION or any(map(_LETTERED_CHOICE.match, choices))


def marks_a_choice(question: Written) -> bool:
    """Whether a choice says of itself that it is right or wrong. A pair of words, as in an analogy, does not."""
    if any(map(_JUDGED.search, question.choices)):
        return True
    aside = [found for choice in question.choices for found in _JUDGED_ASIDE.finditer(choice)]
    return any(
        not all((found["before"] or found["after"]) in choice for choice in question.choices)
        for found in aside
    )


def marks_key(question: Written) -> bool:
    """Whether the key is decorated in another way than the distractors, which are all alike."""
    if not question.choices:
        return False
    key, *others = map(_decoration, question.choices)
    return len(set(others)) == 1 and key != others[0]


def _decoration(choice: str) -> tuple[str, str, bool]:
    """The signs before and after the words of a choice, and whether its digits are eastern ones."""
    text = choice.strip()
    core = text.strip(_DECORATION)
    if not core:
        return "", "", False
    at = text.index(core)
    before, after = text[:at].strip(), text[at + len(core) :].strip()
    if not _is_balanced(core):  # the brackets are of the words themselves
        before, after = before.strip("()[]"), after.strip("()[]")
    if core[0].isdigit():
        before = before.removesuffix(".")  # a decimal
    if core[-1].isdigit():
        after = after.removeprefix("!")  # a factorial
    return before, after, _EASTERN_DIGIT.search(core) is not None


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if depth < 0:
            return False
    return depth == 0


#: More than the key is long, what separates it from the word for the answer may be.
_MARGIN_CHARS: Final = 16

_DECORATION: Final = "*_~`\"'«»“”‘’()[]<>←→⇐⇒⟵•●▪◦.,،؛;:!؟?#=…\u200e\u200f\u061c \t\n"

_RIGHT: Final = "(?:ال)?(?:صح|صحيح[ةه]?|خط[أا]|خاطئ[ةه]?)"
_ANSWER: Final = "(?:[إا]جاب[ةه]|جواب)"
_CHOICE: Final = f"(?:ال(?:خيار|اختيار|بديل|{_ANSWER}))"
_LONE: Final = r"(?!\w)(?!\s+[أبجدهو](?!\w))"

_PLACED: Final = re.compile(
    rf"{_CHOICE}\s+(?:ال[أا]ول[ىي]?|الثاني[ةه]?|الثالث[ةه]?|الرابع[ةه]?|ال[أا]خير[ةه]?)(?!\w)"
    rf"|{_CHOICE}\s+رقم\s*\(?\d"
    r"|(?<!\w)(?:أول|ثاني|ثالث|رابع|آخر)\s+(?:ال)?(?:خيار|خيارات|اختيارات|بدائل)(?!\w)"
    r"|(?i:\b(?:option|choice|answer)s?\b(?:\s+(?:is|are)\b)?\s*:?\s*\(?[a-d1-4]\b)"
)
_LETTER: Final = re.compile(r"(?<!\w)و?([أابجدA-Da-d])(?!\w)")
_LETTERED: Final = re.compile(
    rf"(?:{_CHOICE}|الخياران|الخيارات)(?:\s+الصحيح[ةه]?)?(?:\s+ه[وي])?\s*:?\s*\(?\s*(?P<named>[أابجدA-D]){_LONE}"
    r"|(?<!\w)\(\s*(?P<bracketed>[أابجدA-D])\s*\)"
    r"|(?:^|[\n.:،؛]\s?)(?P<leading>[أبجدA-D])\)"
    rf"|(?:نختار|اخترنا|اختر)\s+\(?(?P<chosen>[أبجدA-D]){_LONE}"
)
_NUMBERED: Final = re.compile(r"ال(?:خيار|اختيار|بديل)\s+\(?([1-4١-٤])(?![\w.,٫%٪/]|\s*[%٪])")

_ANSWER_IN_BRACKETS: Final = re.compile(
    rf"[(\[]\s*(?:(?:ال)?(?:{_ANSWER}|حل)(?:\s+الصحيح[ةه]?)?(?:\s+ه[وي])?|(?i:answer|ans))\s*[:=]\s*[^\s)\]]"
)
_ANSWER_IS: Final = re.compile(
    rf"(?:ال(?:{_ANSWER}|حل)(?:\s+الصحيح[ةه]?)?(?:\s+ه[وي](?!\w))?|(?i:\banswer|\bans))\s*[:=]?\s*"
)
_LISTED: Final = re.compile(r"(?<!\w)\(?([أبجدA-Da-d])(?:\)|[.-](?=\s))")

_LETTERED_CHOICE: Final = re.compile(r"(?:\([أابجدA-Da-d]\)|[أابجدA-Da-d] ?[).])\s*\S|\(?[1-4١-٤]\)\s+\S")
_DASHED_LETTER: Final = re.compile(r"([أبجد])\s*[-–:]\s*\S")
_JUDGED: Final = re.compile(
    rf"[✓✔☑✅✗✘✖❌❎⭐]|الإجابة الصحيحة|\d\D{{0,20}}\sصح$"
    rf"|[(\[]\s*(?:(?:ال)?(?:{_ANSWER}|حل|خيار)(?:\s+{_RIGHT})?|{_RIGHT}"
    r"|(?i:correct|incorrect|true|false|right|wrong|answer|key))\s*[)\]]"
)
_JUDGED_ASIDE: Final = re.compile(
    rf"^(?:ال)?(?:صحيح|{_ANSWER})\s*(?P<before>:)|(?P<after>[-–—←→⇐⟵])\s*(?:(?:ال)?{_ANSWER}|{_RIGHT}|(?i:correct|answer))\s*$"
)
_EASTERN_DIGIT: Final = re.compile("[٠-٩۰-۹]")
