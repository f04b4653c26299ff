"""The expression that a writer declares beside the solution, and what it shows of the key.

"18/3" declares a value; "24/4 | 26/2-8" both values of a comparison; "√49 | 6 || -√49 | 6" two assignments of the
unknowns, which show that the data do not suffice. A declaration proves the key only where something is computed:
a bare number repeats the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from generation.normalization import normalize
from generation.proof.key import Proof, prove_comparison, prove_key

#: Of a declaration, with its separators.
MAX_CHARS: Final = 300
BETWEEN_VALUES: Final = "|"
BETWEEN_ASSIGNMENTS: Final = "||"


def proof_of(declared: str | None, key: str, distractors: Iterable[str], *, is_comparison: bool) -> Proof:
    """What the declaration shows of the key. `key` of a comparison: one of the fixed choices. Never raises."""
    if declared is None or len(declared) > MAX_CHARS:
        return Proof.UNREADABLE
    if is_comparison:
        assignments = _assignments(declared)
        proof = Proof.UNREADABLE if assignments is None else prove_comparison(assignments, key)
    else:
        proof = prove_key(declared, key, distractors)
    return Proof.UNREADABLE if proof is Proof.PROVED and not _computes(declared, key) else proof


def _assignments(declared: str) -> Sequence[tuple[str, str]] | None:
    """The two values for each assignment, or None for another form."""
    values = [part.split(BETWEEN_VALUES) for part in declared.split(BETWEEN_ASSIGNMENTS)]
    return None if any(len(pair) != 2 for pair in values) else [(first, second) for first, second in values]  # noqa: PLR2004


def _computes(declared: str, key: str) -> bool:
    """Whether there is an operation on numbers that is not the key's own text, such as 3/4 or 30%."""
    repeats_key = f"{normalize(key)} ".startswith(f"{normalize(declared)} ")
    return not repeats_key and _OPERATION.search("".join(declared.split())) is not None


#: A plus or a minus counts after an operand only: a sign before a number computes nothing.
_OPERATION: Final = re.compile(r"(?<=[\w)%²³])[-−–+]|[*/×÷∗·⋅∙∕⁄^√%٪⁰¹²³⁴-⁹]|sqrt|جذر|max|min")
