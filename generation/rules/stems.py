"""How a stem tells its answer, or asks in a way that is hard to read.

Each function takes the whole question as the model wrote it. All patterns are linear in the length of the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from generation.model import QuestionType
from generation.normalization import normalize
from generation.proof.quantity import quantity_in
from generation.rules.disclosures import Written


def asks_for_the_exception(question: Written) -> bool:
    """Whether the stem asks for what is not so: ما عدا, لم ترد, غير صحيحة."""
    if question.kind in _SENTENCES:
        return False
    return _EXCEPTION.search(normalize(question.stem)) is not None


def negates_twice(question: Written) -> bool:
    """Whether a clause that asks has two negations; a sentence to be completed may."""
    if question.kind in _SENTENCES:
        return False
    asked = normalize(_asking(question.stem))
    return _TWO_NEGATIONS.search(asked) is not None


def key_alone_repeats_the_stem(question: Written) -> bool:
    """Whether a word that the stem shares with the key alone gives the key away."""
    if not _is_worded(question):
        return False
    stem = set(_roots(question.stem))
    key, *others = (set(_roots(choice)) for choice in question.choices)
    shared = (key & stem).difference(*others)
    return any(len(word) >= _TELLING_CHARS for word in shared) and not any(other & stem for other in others)


def stem_states_the_key(question: Written) -> bool:
    """Whether the stem says the answer before it asks: the key's words, or its number with what is asked for."""
    if not question.choices or question.lists_words:
        return False
    return _states_words(question) or _states_number(question)


def _states_words(question: Written) -> bool:
    if not _is_worded(question) or question.kind not in _LEAST_WORDS_OF_A_KEY:
        return False
    stem = set(_roots(question.stem))
    key, *others = (set(_roots(choice)) for choice in question.choices)
    enough = len(key) >= _LEAST_WORDS_OF_A_KEY[question.kind]
    return enough and key <= stem and max(map(len, key)) > 1 and not any(other & stem for other in others)


def _states_number(question: Written) -> bool:
    quantity = quantity_in(question.choices[0])
    if quantity is None or not question.choices[0][:1].isdecimal():
        return False
    stem, asked = normalize(question.stem), normalize(_asking(question.stem))
    number = normalize(question.choices[0]).split(" ")[0]
    told = stem.removesuffix(asked)
    return any(
        number == found["number"] and _is_asked(found, asked)
        for pattern in (_COUNTED, _GIVEN)
        for found in pattern.finditer(told if pattern is _COUNTED else stem)
    ) or _states_the_sought(f" {told} ", asked, number)


def _states_the_sought(told: str, asked: str, number: str) -> bool:
    """Whether the number follows the whole name of what is asked for, or the words that the question ends with."""
    sought = _SOUGHT.fullmatch(asked)
    if sought is not None and (f" {sought[1]} {number} " in told or f" {sought[1]}={number} " in told):
        return True
    last = " ".join(asked.split()[-_CIRCUMSTANCE_WORDS:])
    return len(asked.split()) > _CIRCUMSTANCE_WORDS and f" {last} {number} " in told


def _is_asked(found: re.Match[str], asked: str) -> bool:
    """Whether the noun beside a told number is the one that the stem asks for, with the same circumstances."""
    noun, rest = _root(found["noun"]), found.groupdict().get("rest") or ""
    wanted = [_root(word) for word in asked.split()]
    if found.re is _GIVEN:
        return noun in wanted
    circumstance = [_root(word) for word in rest.split()][:_CIRCUMSTANCE_WORDS]
    return (
        bool(circumstance) and noun in wanted[:_ASKED_WORDS] and all(word in wanted for word in circumstance)
    )


def _asking(stem: str) -> str:
    """The last clause, which asks."""
    parts = [part for part in _CLAUSE.split(stem) if part.strip()]
    return parts[-1] if parts else ""


def _is_worded(question: Written) -> bool:
    if not question.choices or question.lists_words or question.kind in _REPEATING_TYPES:
        return False
    return not any(character.isdigit() for choice in question.choices for character in choice)


def _roots(text: str) -> Iterator[str]:
    words = normalize(text).split()
    return (root for word in words if word not in _COMMON and (root := _root(word)) not in _COMMON)


def _root(word: str) -> str:
    """Without article, conjunction and endings: a rough root, good enough to see a word again."""
    word = _BEFORE.sub("", word, count=1)
    return _AFTER.sub("", word, count=1)


_TELLING_CHARS: Final = 3
#: A question about a passage may name what the passage is about.
_LEAST_WORDS_OF_A_KEY: Final = {QuestionType.MCQ: 1, QuestionType.COMPLETION: 1, QuestionType.READING: 2}
_CIRCUMSTANCE_WORDS: Final = 2
_ASKED_WORDS: Final = 3
_REPEATING_TYPES: Final = frozenset({QuestionType.ANALOGY, QuestionType.ERROR, QuestionType.ODD_WORD})

#: Their stems are sentences to be judged, or ask for the exception by their type.
_SENTENCES: Final = frozenset({QuestionType.COMPLETION, QuestionType.ERROR, QuestionType.ODD_WORD})

_CLAUSE: Final = re.compile(r"(?<=[.؟?!\n])\s|(?<=،)\s(?=(?:ف?ما|ف?كم|ف?في كم|علم) )")
#: For normalized text.
_BEFORE: Final = re.compile(r"^(?:[وف]?(?:ال|بال|لل|كال)|[وفبل](?=\w{4}))")
_AFTER: Final = re.compile(r"(?<=\w{3})(?:ايه|يه|ات|ون|ين|ان|وا|تها|ته|تهم|ها|هم|ه|ا|ي)$")
_COMMON: Final = frozenset(
    normalize(word)
    for word in [
        "في",
        "من",
        "على",
        "إلى",
        "عن",
        "ما",
        "هو",
        "هي",
        "أن",
        "إن",
        "التي",
        "الذي",
        "بين",
        "كل",
        "كان",
        "كانت",
        "قد",
        "لا",
        "لم",
        "لن",
        "ليس",
        "غير",
        "هذا",
        "هذه",
        "ذلك",
        "تلك",
        "قبل",
        "بعد",
        "عند",
        "مع",
        "أو",
        "ثم",
        "حتى",
        "لأن",
        "لأنه",
        "لأنها",
        "أنه",
        "أنها",
        "بما",
        "به",
        "بها",
        "فيه",
        "فيها",
        "له",
        "لها",
        "قوله",
        "قولنا",
        "قول",
        "الكاتب",
        "النص",
        "معنى",
        "كلمة",
        "أي",
        "كيف",
        "لماذا",
        "متى",
        "الذين",
        "بعض",
        "ذات",
        "كما",
        "الآتية",
        "العبارات",
        "بحسب",
        "وفق",
        "حسب",
        "الناس",
        "الإنسان",
        "شيء",
        "أمر",
    ]
)
_EXCEPTION: Final = re.compile(
    r"(?:^| )(?:ما ?عدا|فيما عدا|ما خلا|باستثناء|سوي|الا)(?: \w+)?$"
    r"|(?:^| )اي [^؟]{0,60}? (?:لم|لا|ليس|ليست|غير|لن)(?: |$)"
    r"|(?:^| )(?:الخطا|الخاطيه|غير الصحيح\w*|غير صحيح\w*)(?: \w+)?$"
    r"|(?:^| )(?:ما|من) (?:ال\w+ )?(?:الذي |التي )?(?:لم|لا|ليس|ليست) (?:يرد|ترد|يذكر|تذكر|يعد|تعد|من|يصح|تصح|يدل|تدل)(?: |$)"
)
_TWO_NEGATIONS: Final = re.compile(
    r"(?:^| )(?:لا|لم|لن|ليس|ليست|ما عدا|عدم) (?:[^\W\d]+ ){0,4}(?:من )?(?:غير|عدم|لا|لم|ليس|ليست|دون)(?: |$)"
)
#: A number with the noun that it counts, and the words after it.
_COUNTED: Final = re.compile(r"(?<![\w.,/])(?P<number>\d[\d.,/]*) (?P<noun>[^\W\d]+)(?P<rest>(?: \w+){0,3})")
#: What a stem says to be a number.
_GIVEN: Final = re.compile(
    r"(?<!\w)(?P<noun>[^\W\d]+) (?:(?:هو|هي|يساوي|تساوي|يبلغ|البالغ|البالغه|بلغ|القيمه|العدد|قيمته|قيمتها|قدره) ){1,2}(?P<number>\d[\d.,/]*)"
    r"(?![\w./])"
)
#: A stem's whole question: ما العدد
_SOUGHT: Final = re.compile(r"ف?(?:ما|كم) (?:هو |هي |قيمه )?(ال\w+|[^\W\d]{1,2}|[^\W\d]+ ال\w+)")
