"""Puts the right choice where the plan wants it, because models favour some places (D19)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from generation.model import COMPARISON_CHOICES, Slot


def place(slot: Slot, key: str, distractors: Sequence[str], *, seed: int) -> tuple[tuple[str, ...], int]:
    """The choices in the order a student sees them, and the key's 0-based place among them.

    The key stands at the slot's key_index, the distractors around it in an order that the session's seed and
    the position decide. A slot without a key_index keeps the fixed comparison choices, of which `key` is one.
    """
    if slot.key_index is None:
        return COMPARISON_CHOICES, COMPARISON_CHOICES.index(key)
    rng = Random(f"{seed}:{slot.position}")  # noqa: S311 - an order must be repeatable, not secret
    choices = rng.sample(distractors, len(distractors))
    choices.insert(slot.key_index, key)
    return tuple(choices), slot.key_index
