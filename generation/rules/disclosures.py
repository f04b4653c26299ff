"""How a question gives its key away, or names choices by places that the program has yet to shuffle.

Each function takes the whole question as the model wrote it. All patterns are linear in the length of the texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from generation.model import CHOICES_PER_QUESTION, QuestionType
from generation.normalization import normalize


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of a question as written. The key is the first choice; a comparison has none of its own."""

    stem: str
    explanation: str
    choices: Sequence[str] = ()
    others: Sequence[str] = ()  #: of its figure
    lists_words: bool = False  #: its type asks for the choices in the stem
    kind: QuestionType | None = None
    key: str = ""  #: also of a comparison
    shown: Sequence[str] = ()  #: the choices in the order that a student sees

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.stem, self.explanation, *self.choices, *self.others)


def names_a_choice(question: Written) -> bool:
    """Whether stem or explanation name a choice by letter, number or place.

    A letter that the stem has is a point of the figure or an unknown; a number that a choice has is its value.
    """
    known = {found[1] for text in (question.stem, *question.others) for found in _LETTER.finditer(text)}
    values = {normalize(choice).partition(" ")[0] for choice in question.choices}
    unvoweled = (_VOWELS.sub("", text) for text in (question.stem, question.explanation))
    return any(
        _PLACED.search(text)
        or any(found[found.lastgroup or 0] not in known for found in _LETTERED.finditer(text))
        or any(normalize(found[found.lastindex or 0]) not in values for found in _NUMBERED.finditer(text))
        for text in unvoweled
    )


def tells_key(question: Written) -> bool:
    """Whether the stem states the answer: in brackets, after a word for it, or alone after the question."""
    if _ANSWER_IN_BRACKETS.search(question.stem):
        return True
    if not question.choices:
        return False
    key = normalize(question.choices[0])
    longest = 2 * len(question.choices[0]) + _MARGIN_CHARS
    ends = (found.end() for found in _ANSWER_IS.finditer(question.stem))
    if any(f"{normalize(question.stem[end : end + longest])} ".startswith(f"{key} ") for end in ends):
        return True
    if question.lists_words:
        return False
    tail = _LABEL.sub("", _tail(question.stem), count=1)
    return key != "" and key in {normalize(tail), normalize(tail.strip(" =>→←-–—"))}


def lists_choices(question: Written) -> bool:
    """Whether the stem repeats the choices: as a lettered list, or all four after the question or between "or"s."""
    letters = "".join(found[1] or found[2] for found in _LISTED.finditer(question.stem)).upper()
    tail = _tail(question.stem)
    letters += "".join(found[1] for found in _COLON_ITEM.finditer(tail))
    numbers = "".join(str(int(found[1])) for found in _NUMBERED_ITEM.finditer(tail))
    if "أبج" in letters or "ABC" in letters or "1234" in numbers or _CHOICES_ARE.search(question.stem):
        return True
    if question.lists_words or not question.choices:
        return False
    within = question.stem if len(_OR.findall(question.stem)) >= CHOICES_PER_QUESTION - 1 else tail
    listed = f" {' '.join(normalize(part) for part in _SEPARATORS.split(within))} "
    choices = [normalize(choice) for choice in question.choices]
    return all(choice and f" {choice} " in listed for choice in choices)


def _tail(stem: str) -> str:
    """What follows the last question mark, or nothing."""
    at = max(stem.rfind("؟"), stem.rfind("?"))
    return stem[at + 1 :] if at >= 0 else ""


def letters_choices(question: Written) -> bool:
    """Whether a letter or a number is before a choice: the program orders them, so it is wrong, or hints at the key."""
    choices = [choice.strip() for choice in question.choices]
    dashed = {found[1] for choice in choices if (found := _DASHED_LETTER.match(choice))}
    numbered = {found[1] for choice in choices if (found := _NUMBERED_CHOICE.match(choice))}
    return CHOICES_PER_QUESTION in {len(dashed), len(numbered)} or any(map(_LETTERED_CHOICE.match, choices))


def marks_a_choice(question: Written) -> bool:
    """Whether some choices, but not all, say of themselves that they are right or wrong."""
    judged = sum(_JUDGED.search(choice) is not None for choice in question.choices)
    aside = [found for choice in question.choices for found in _JUDGED_ASIDE.finditer(choice)]
    return 0 < judged < len(question.choices) or any(
        not all((found["before"] or found["after"]) in choice for choice in question.choices)
        for found in aside  # a pair of words, as in an analogy, has the sign in all of them
    )


def marks_key(question: Written) -> bool:
    """Whether the key is decorated in another way than the distractors, which are all alike."""
    if not question.choices:
        return False
    key, *others = map(_decoration, question.choices)
    return None not in (key, *others) and len(set(others)) == 1 and key != others[0]


def _decoration(choice: str) -> tuple[str, str, tuple[bool, ...]] | None:
    """The signs before and after the words of a choice; whether it has a remark, eastern digits, or tatweel.

    None for a choice without words. Brackets around a pair, a set or an expression are no decoration.
    """
    text = choice.strip()
    start, end = 0, len(text)
    while start < end and _decorates(text[start], _MAY_LEAD):
        start += 1
    while start < end and _decorates(text[end - 1], _MAY_END):
        end -= 1
    core, before, after = text[start:end], text[:start].strip(), text[end:].strip()
    if not core:
        return None
    if not _is_balanced(core) or _EXPRESSION.search(core):
        before, after = before.strip(_BRACKETS), after.strip(_BRACKETS)
    if core[0].isdigit():
        before = before.removesuffix(".")  # a decimal
    if core[-1].isdigit() or core[-1] == ")":
        after = after.removeprefix("!")  # a factorial
    habits = (_REMARK, _EASTERN_DIGIT, _TATWEEL)
    return before, after, tuple(habit.search(text) is not None for habit in habits)


def _decorates(sign: str, kept: str) -> bool:
    return not sign.isalnum() and sign not in kept and not unicodedata.combining(sign)


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            return False
    return depth == 0


#: More than the key is long, what separates it from the word for the answer may be.
_MARGIN_CHARS: Final = 16

_BRACKETS: Final = "()[]{}"
#: Signs of mathematics before or after an operand.
_MAY_LEAD: Final = "-−–+√∛±∞∠|π$"
_MAY_END: Final = "%٪°℃|∞'′″ـ"

_VOWELS: Final = re.compile("[\u064b-\u0652\u0640]")
_RIGHT: Final = "(?:ال)?(?:صح|صواب|صحيح[ةه]?|خط[أا]|خاطئ[ةه]?)"
_ANSWER: Final = "(?:[إا]جاب[ةه]|جواب)"
_CHOICE: Final = f"(?:(?:ال)?(?:خيار|اختيار)|البديل|ال{_ANSWER})"
_NAMED: Final = rf"(?:{_CHOICE}|الخياران|الخيارات|الصحيح[ةه]?)(?:\s+الصحيح[ةه]?)?(?:\s+ه[وي])?"
_IS_RIGHT: Final = rf"\s+ه[وي]\s+(?:{_CHOICE}|{_RIGHT})(?!\w)"
_ORDINAL: Final = "(?:ال[أا]ول[ىي]?|الثاني[ةه]?|الثالث[ةه]?|الرابع[ةه]?|(?:قبل )?ال[أا]خير[ةه]?)"
_SIGN: Final = "أابجدA-D"
#: After a letter by itself; two of them name a segment.
_LONE: Final = r"(?!\w)(?!\s+[أبجدهو](?!\w))"

_PLACED: Final = re.compile(
    rf"{_CHOICE}(?:\s+الصحيح[ةه]?)?(?:\s+ه[وي])?\s+{_ORDINAL}(?!\w)"
    rf"|(?:الخيار(?:ان|ين|ات)|البدائل)\s+(?:الثلاث[ةه]?\s+)?{_ORDINAL}(?!\w)"
    rf"|{_CHOICE}(?:\s+الصحيح[ةه]?)?\s+(?:ذو ال)?رقم\s*\(?\d|رقم\s*\(?[1-4]\)?{_IS_RIGHT}"
    r"|(?<!\w)(?:أول|ثاني|ثالث|رابع|آخر)\s+(?:ال)?(?:خيار|خيارات|اختيارات|بدائل)(?!\w)"
    r"|(?i:\b(?:option|choice|answer)s?\b(?:\s+(?:is|are)\b)?\s*:?\s*\(?[a-d1-4]\b)"
)
_LETTER: Final = re.compile(r"(?<!\w)و?([أابجدA-Da-d])(?!\w)")
_LETTERED: Final = re.compile(
    rf"{_NAMED}[\s:=←→«\"“'(\[*_–-]{{1,6}}(?P<named>[{_SIGN}]){_LONE}"
    rf"|(?<!\w)\(\s?(?P<bracketed>[{_SIGN}])\s?\)"
    rf"|(?:^|[\n.:،؛]\s?)(?P<leading>[{_SIGN}])\)"
    rf"|(?:نختار|اخترنا|اختر)\s+\(?(?P<chosen>[{_SIGN}]){_LONE}"
    rf"|(?<!\w)(?P<judged>[{_SIGN}])(?:{_IS_RIGHT}|\s+و\s?[أبجد]\s+ف?(?:خط[أا]|خاطئ))"
)
_NUMBERED: Final = re.compile(
    r"ال(?:خيار|اختيار|بديل)\s+\(?([1-4١-٤])(?![\w.,٫%٪/]|\s*[%٪])"
    rf"|ال{_ANSWER}(?:\s+الصحيح[ةه]?)?\s+\(([1-4١-٤])\)"
)

_ANSWER_IN_BRACKETS: Final = re.compile(
    rf"[(\[]\s*(?:(?:ال)?(?:{_ANSWER}|حل)(?:\s+الصحيح[ةه]?)?(?:\s+ه[وي])?|(?i:answer|ans))\s*[:=]\s*[^\s)\]]"
)
_ANSWER_IS: Final = re.compile(
    rf"(?:ال(?:{_ANSWER}|حل)(?:\s+الصحيح[ةه]?)?(?:\s+ه[وي](?!\w))?|(?i:\banswer|\bans))\s*[:=]?\s*"
)
_LABEL: Final = re.compile(r"^\W{0,4}(?:\w{1,12}\s?[:=]|(?:ال)?(?:صحيح|صواب|ناتج|جواب)\s)")
_LISTED: Final = re.compile(r"(?<!\w)\(?([أبجدA-Da-d])(?:\)|[.-](?=\s))|^([أبجدA-D]) ?[-–:]\s", re.MULTILINE)
_COLON_ITEM: Final = re.compile(r"(?<!\w)([أبجد])\s?:")
_NUMBERED_ITEM: Final = re.compile(r"(?<!\w)\(?([1-4١-٤])\s?[).-](?=\s)")
_CHOICES_ARE: Final = re.compile(r"(?:الخيارات|الاختيارات|البدائل)\s?:")
_OR: Final = re.compile(r"(?<!\w)أم(?!\w)")
_SEPARATORS: Final = re.compile(r"[،,؛;|\n()\[\]]|\s[/–—-]\s")

_LETTERED_CHOICE: Final = re.compile(r"(?:\([أابجدA-Da-d]\)|[أابجدA-Da-d] ?[).])\s*\S|\(?[1-4١-٤]\)\s+\S")
_NUMBERED_CHOICE: Final = re.compile(r"([1-4١-٤])[.-]\s+\S")
_DASHED_LETTER: Final = re.compile(r"([أبجد])\s*[-–:]\s*\S")
_JUDGED: Final = re.compile(
    rf"[✓✔☑✅✗✘✖❌❎⭐]|^\[[xX*×]\]|الإجابة الصحيحة|^(?:ال)?(?:صحيح|{_ANSWER})\s\d|\d\s?\w{{0,12}}\s(?:صح|صحيح|خطأ)$|ه[وي]\s+(?:{_RIGHT}|ال{_ANSWER})(?!\w)"
    rf"|[(\[][^()\[\]]{{0,30}}(?:{_ANSWER}|{_RIGHT}(?!\w)"
    r"|(?i:correct|true|false|right|wrong|answer|\bkey\b))[^()\[\]]{0,30}[)\]]"
)
_JUDGED_ASIDE: Final = re.compile(
    rf"^(?:ال)?(?:صحيح|{_ANSWER})\s?(?P<before>:)"
    rf"|(?P<after>[-–—←→⇐⟵#=/])\s?(?:(?:ال)?{_ANSWER}|{_RIGHT}|(?i:correct|answer))\s?$"
)
_EXPRESSION: Final = re.compile("[،,؛;=+−×÷<>≤≥]")
#: Words in brackets after others; brackets of an expression hold signs or follow their factor.
_REMARK: Final = re.compile(r"\w\s[(\[](?:[^\W\d_]| ){1,30}[)\]]$")
_EASTERN_DIGIT: Final = re.compile("[٠-٩۰-۹]")
_TATWEEL: Final = re.compile("ـ")
