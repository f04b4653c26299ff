"""Questions whose number stands outside of them: `{"slot": 3, "question": {...}}` and `{"3": {...}, "4": {...}}`.

The parser finds a question by its name `slot`, at its own closing brace. These two shapes are known only when
the object around has closed. The second may be inside other objects, and may be one object a question. No text
is changed (D21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from generation.schema import slot_number


def opened(found: Mapping[str, Any], *, asked: Sequence[int]) -> list[Mapping[str, Any]]:
    """The questions in an object of a reply, each with its slot; the object itself where it is no such envelope.

    `asked`: the positions that the call asked for and the reply has not named yet, in order. Names count as slots
    only while they follow that order exactly. Else they may be places in the reply, and a question would fill the
    slot of its neighbour.
    """
    if _STEM in found:
        return [found]
    bodies = {name: value for name, value in found.items() if _is_body(value)}
    if "slot" in found:
        return [{**body, "slot": found["slot"]} for body in bodies.values()] if len(bodies) == 1 else [found]
    if not bodies:
        inner = (opened(value, asked=asked) for value in found.values() if isinstance(value, Mapping))
        return next((raws for raws in inner if any(map(_is_body, raws))), [found])
    numbers = [_number_in(name) for name in bodies]
    if numbers != list(asked[: len(numbers)]):
        return [found]
    return [{**body, "slot": number} for number, body in zip(numbers, bodies.values(), strict=True)]


def _is_body(value: object) -> bool:
    return isinstance(value, Mapping) and _STEM in value


def _number_in(name: str) -> int | None:
    found = _NUMBERED.fullmatch(name)
    return slot_number(found["number"]) if found else None


_STEM: Final = "q"
_NUMBERED: Final = re.compile(r"[^\d]{0,20}(?P<number>\d{1,9})")
