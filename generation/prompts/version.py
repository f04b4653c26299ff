"""The version of the prompt that a question was written with: a digest of its system blocks."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from generation.model import Section
from generation.prompts.blocks import system_blocks

_CHARS = 12


@cache
def prompt_version(section: Section) -> str:
    """Twelve hexadecimal digits; they change with every byte of the system blocks, and with nothing else."""
    text = "\n".join(block.text for block in system_blocks(section))
    return sha256(text.encode()).hexdigest()[:_CHARS]
