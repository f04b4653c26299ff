"""The shared prefix of every call: Arabic texts from files, byte for byte the same in every process.

A provider finds the prefix in its cache only if every byte is equal, so it must not depend on a session, a
track, a user or the time. The blocks are ordered by reuse: those that all sections share come first.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

from generation.model import Section
from generation.model_call import SystemBlock
from generation.rules.table import stated

#: Where the rules' text has the list of the rules for texts.
_TEXT_RULES = "{text_rules}"


@cache
def system_blocks(section: Section) -> tuple[SystemBlock, ...]:
    """The rules, the section and its examples: the same bytes for every call of the section.

    Every block has a cache breakpoint, so that the sections share the rules, and a changed example invalidates
    the examples only.
    """
    names = ("rules", f"section-{section.value}", f"examples-{section.value}")
    return tuple(SystemBlock(_text(name), cached=True) for name in names)


@cache
def solver_blocks() -> tuple[SystemBlock, ...]:
    """How to solve and answer, without a cache breakpoint.

    On the cheapest model, sending the text again costs less than waiting for a call that warms the cache.
    """
    return (SystemBlock(_text("solver"), cached=False),)


def _text(name: str) -> str:
    # Text mode and NFC: other line ends, or another composition of Arabic letters, yield the same bytes.
    text = files("generation.prompts").joinpath("text", f"{name}.md").read_text(encoding="utf-8")
    return unicodedata.normalize("NFC", text.replace(_TEXT_RULES, stated()))
