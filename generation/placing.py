"""Places the correct choice where the plan says, because models favour some places (D19)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from generation.model import COMPARISON_CHOICES, Slot


def place(slot: Slot, key: str, distractors: Sequence[str], *, seed: int) -> tuple[tuple[str, ...], int]:
    """The choices in the order a student sees them, and the key's 0-based index.

    The key is at the slot's key_index; the session's seed and the position determine the order of the
    distractors. A slot without a key_index has the fixed comparison choices, of which `key` is one.
    """
    if slot.key_index is None:
        return COMPARISON_CHOICES, COMPARISON_CHOICES.index(key)
    rng = Random(f"{seed}:{slot.position}")  # noqa: S311 - an order must be repeatable, not secret
    choices = rng.sample(distractors, len(distractors))
    choices.insert(slot.key_index, key)
    return tuple(choices), slot.key_index
