"""What a answer check says of a question, and what model calls are made for.

The solver answers a question without seeing its key. Where it answers with our key the question is agreed;
where it names another choice, or says that none or several are right, it is disputed. A verdict is given once
and kept in the question's row; a question without one was not checked, or the solver was not sure.
"""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a model call was made for."""

    WRITE = "write"  #: questions for open slots
    SOLVE = "solve"  #: a answer check on questions that are written


class Verdict(StrEnum):
    """What the solver's answer says of our key."""

    AGREED = "agreed"
    DISPUTED = "disputed"
