"""Whether a declared expression proves the key: it arrives at the key, and at none of the distractors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from generation.model import COMPARISON_CHOICES
from generation.proof.expression import ExpressionRejected, compare, equal, evaluate
from generation.proof.quantity import Quantity, quantity_in
from generation.value import Value


class Proof(StrEnum):
    PROVED = "proved"
    WRONG_KEY = "wrong_key"
    RIGHT_DISTRACTOR = "right_distractor"  #: the key is right, and a distractor as well
    UNREADABLE = "unreadable"  #: the expression has no value, or the key states no quantity


def agrees(expression: str, choice: str) -> bool:
    """Whether the choice states the expression's value, in its own unit or as a percentage of one.

    Raises ExpressionRejected.
    """
    stated = quantity_in(choice)
    return stated is not None and _agrees(evaluate(expression), stated)


def prove_key(expression: str, key: str, distractors: Iterable[str]) -> Proof:
    """The declared value is in the unit of the key. Never raises."""
    stated = quantity_in(key)
    try:
        if stated is None:
            return Proof.UNREADABLE
        if not _agrees(evaluate(expression), stated):
            return Proof.WRONG_KEY
    except (ExpressionRejected, ArithmeticError):
        return Proof.UNREADABLE
    others = map(quantity_in, distractors)
    right_too = any(other is not None and stated.states(other) for other in others)
    return Proof.RIGHT_DISTRACTOR if right_too else Proof.PROVED


def prove_comparison(assignments: Sequence[tuple[str, str]], key: str) -> Proof:
    """From the two values for each assignment of the unknowns; one assignment if nothing is unknown. Never raises."""
    try:
        orders = {compare(evaluate(first), evaluate(second)) for first, second in assignments}
    except (ExpressionRejected, ArithmeticError):
        return Proof.UNREADABLE
    if key not in COMPARISON_CHOICES or not orders:
        return Proof.UNREADABLE
    first, second, same, unknown = COMPARISON_CHOICES
    answer = unknown if len(orders) > 1 else {1: first, -1: second, 0: same}[orders.pop()]
    return Proof.PROVED if key == answer else Proof.WRONG_KEY


def _agrees(value: Value, stated: Quantity) -> bool:
    """As written, or, of a percentage, as the number that it is."""
    if any(equal(value, written) for written in (stated.written, stated.in_last_unit) if written is not None):
        return True
    return stated.dimension == "" and equal(value, stated.value)
