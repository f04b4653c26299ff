"""The verdicts of the answer check, and the purposes of model calls.

The solver answers a question without seeing its key. If it answers with our key, the question is agreed. If it
names another choice, or says that none or several are right, the question is disputed. A verdict is given once
and stored in the question's row; a question without one was not checked, or the solver was not sure.
"""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a model call was made for."""

    WRITE = "write"  #: questions for open slots
    SOLVE = "solve"  #: an answer check of written questions


class Verdict(StrEnum):
    """Whether the solver's answer is our key."""

    AGREED = "agreed"
    DISPUTED = "disputed"
