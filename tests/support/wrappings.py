"""What models put around the questions of a reply: wrappers, arrays, fences, prose, in any combination."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

Questions = Sequence[dict[str, Any]]

_NAMES: Final = ("questions", "items", "data", "exam", "result", "أسئلة", "output")
_SEPARATORS: Final = ("\n", ",\n", ",", ", ", "", " ", "\r\n", "\n\n", "\nثم السؤال التالي:\n")


def wrapped(questions: Questions, rng: Random) -> str:
    """The questions as one random reply: each on its own or in a wrapper, joined, wrapped, with text around."""
    one, join = rng.choice(_EACH), rng.choice(_JOINED)
    wrap, surround = rng.choice(_OUTER), rng.choice(_AROUND)
    return surround(wrap(join([one(question, rng) for question in questions], rng), rng), rng)


def dumped(value: Any, rng: Random) -> str:
    indent = rng.choice((None, None, 1, 2, 4, "\t"))
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,", " : ")))
    return json.dumps(value, ensure_ascii=rng.random() < 0.2, indent=indent, separators=separators)


def _as_it_is(question: dict[str, Any], rng: Random) -> str:
    return dumped(question, rng)


def _in_an_object(question: dict[str, Any], rng: Random) -> str:
    return dumped({rng.choice(("question", "q", "item", "سؤال")): question}, rng)


def _two_deep(question: dict[str, Any], rng: Random) -> str:
    return dumped({"type": "question", "content": {"question": question}, "done": True}, rng)


def _in_a_list(question: dict[str, Any], rng: Random) -> str:
    return dumped([question], rng)


def _fenced_each(question: dict[str, Any], rng: Random) -> str:
    return f"\n```json\n{dumped(question, rng)}\n```\n"


def _in_other_order(question: dict[str, Any], rng: Random) -> str:
    return dumped(dict(rng.sample(list(question.items()), len(question))), rng)


def _separated(parts: Sequence[str], rng: Random) -> str:
    return rng.choice(_SEPARATORS).join(parts)


def _array(parts: Sequence[str], rng: Random) -> str:
    return f"[{rng.choice(('', ' ', chr(10), chr(10) + '  '))}{rng.choice((',', ', ', ',' + chr(10))).join(parts)}]"


def _by_number(parts: Sequence[str], rng: Random) -> str:
    first = rng.randrange(2)
    return "{" + ", ".join(f'"{number}": {part}' for number, part in enumerate(parts, first)) + "}"


def _a_name_each(parts: Sequence[str], rng: Random) -> str:
    gap = rng.choice(("", " ", "\n", "\n  "))
    named = (f'{gap}"question_{number}":{gap}{part}' for number, part in enumerate(parts, 1))
    return "{" + ",".join(named) + "}"


def _plain(whole: str, _rng: Random) -> str:
    return whole


def _named(whole: str, rng: Random) -> str:
    """As the value of a wrapper. Loose objects get brackets, even if no commas are between them."""
    value = whole if _is_one_value(whole) else f"[{whole}]"
    name = rng.choice(_NAMES)
    before = rng.choice(("", '"count": 10, ', '"meta": {"section": "verbal", "tags": ["a", "b"]},\n'))
    after = rng.choice(("", ', "done": true', ',\n"note": "تمت {الأسئلة}"'))
    return f'{{{before}"{name}": {value}{after}}}'


def _named_twice(whole: str, rng: Random) -> str:
    return _named(_named(whole, rng), rng)


def _is_one_value(whole: str) -> bool:
    try:
        json.loads(whole)
    except ValueError:
        return False
    return True


def _fenced(whole: str, _rng: Random) -> str:
    return f"```json\n{whole}\n```"


def _with_prose(whole: str, _rng: Random) -> str:
    return f'إليك الأسئلة العشرة (بصيغة "JSON"):\n{whole}\n\nانتهت الأسئلة، وبالتوفيق!'


_EACH: Final[tuple[Callable[[dict[str, Any], Random], str], ...]] = (
    _as_it_is,
    _as_it_is,
    _in_an_object,
    _two_deep,
    _in_a_list,
    _fenced_each,
    _in_other_order,
)
_JOINED: Final = (_separated, _array, _by_number, _a_name_each)
_OUTER: Final = (_plain, _named, _named_twice)
_AROUND: Final = (_plain, _fenced, _with_prose)
