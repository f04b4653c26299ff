"""The shapes of a model's objects: types and sizes only; the validator judges the content.

Texts stay as written. Unknown names are ignored; none of our names is lost (D16).
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from generation.declared import MAX_CHARS as _DECLARED_CHARS


def _storable(text: str) -> str:
    """Reject what Postgres cannot store or a page cannot show: control characters and half surrogate pairs."""
    if _UNSTORABLE.search(text):
        raise ValueError("holds a control character or half a character")
    return text


def _hint(written: object) -> str | None:
    """A usable hint, or None: no question is rejected for its hints."""
    if not isinstance(written, str) or not written.strip() or len(written) > LONGEST_HINT:
        return None
    return None if _UNSTORABLE.search(written) else written.strip()


def _usable(declared: object) -> str | None:
    """What can be read as a declaration, or None: no question is rejected for the form of one."""
    if not isinstance(declared, str) or not declared.strip() or len(declared) > _DECLARED_CHARS:
        return None
    return None if _UNSTORABLE.search(declared) else declared


def _blank_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


#: Control characters except line break and tab, and half surrogate pairs.
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LARGEST: Final = 10**9
#: With at most so many digits that the conversion costs nothing; after a name, as in "slot 3" and "الخانة رقم 3".
_WHOLE: Final = re.compile(
    r"\s{,9}#?(?:[^\W\d]{1,20}[\s_:#-]{,3}){,2}(?P<whole>\d{1,9})(?:[.٫][0٠۰]{,9})?\s{,9}"
)
_Choice = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_storable)]
_Text = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_storable)]
#: Characters of a tip or a strategy: twice what is asked for.
LONGEST_HINT: Final = 300
_Hint = Annotated[str | None, BeforeValidator(_hint)]
_Passage = Annotated[str, Field(max_length=4_000), AfterValidator(_storable)]


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)


def slot_number(written: object) -> int | None:
    """The position that a model names: a whole number, also as a float or a text, in any script's digits.

    A text may name it: "slot 3".
    """
    if isinstance(written, float) and written.is_integer() and abs(written) <= _LARGEST:
        return int(written)
    if isinstance(written, str):
        found = _WHOLE.fullmatch(written)
        return int(found["whole"]) if found else None
    return written if isinstance(written, int) and not isinstance(written, bool) else None


class DraftPassage(_Written):
    """The part of a line that its whole group uses, even if the rest of the line is rejected."""

    passage: Annotated[_Passage | None, BeforeValidator(_blank_is_none)] = Field(None, alias="p")


class DraftQuestion(DraftPassage):
    """One line of a reply. The short names are the model's, the long ones are ours."""

    slot: int
    stem: _Text = Field(alias="q")
    figure: dict[str, object] | None = Field(None, alias="f")
    explanation: _Text = Field(alias="w")
    declared: Annotated[str | None, BeforeValidator(_usable)] = Field(None, alias="e")
    answer: _Choice = Field(alias="a")
    distractors: list[_Choice] | None = Field(None, alias="d", max_length=8)
    tip: _Hint = Field(None, alias="t")
    solving_strategy: _Hint = Field(None, alias="s")
