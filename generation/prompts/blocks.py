"""The shared prefix of every call: Arabic texts from files, byte for byte the same in every process.

A provider finds the prefix in its cache only if not one byte differs, so nothing here knows a session, a
track, a user or the time. Ordered by reuse: what all sections share comes first.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

from generation.model import Section, SystemBlock


@cache
def system_blocks(section: Section) -> tuple[SystemBlock, ...]:
    """The rules, the section, its examples: the same bytes whatever is asked of the section.

    Every block asks for a breakpoint, so that the sections share the rules, and a new example costs no more
    than the examples.
    """
    names = ("rules", f"section-{section.value}", f"examples-{section.value}")
    return tuple(SystemBlock(_text(name), cached=True) for name in names)


@cache
def solver_blocks() -> tuple[SystemBlock, ...]:
    """How to solve and answer. Without a breakpoint: on the cheapest model to read the text again costs less than
    to wait for whoever warms it.
    """
    return (SystemBlock(_text("solver"), cached=False),)


def _text(name: str) -> str:
    # Read as text: a checkout with other line ends yields the same bytes; and so does an editor that
    # composes Arabic letters differently.
    provider = files("generation.prompts").joinpath("text", f"{name}.md").read_text(encoding="utf-8")
    return unicodedata.normalize("NFC", provider)
