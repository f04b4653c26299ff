"""The verdicts of the answer check, what they rest on, and the purposes of model calls.

The solver answers a question without seeing its key. A question is agreed when the answers bear out our key, and
disputed when they do not. A question without a verdict is unchecked: nobody asked, or the solver gave no usable
answer. A verdict is doubt, not truth: a key that its declared expression proves outweighs a dispute.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What a model call was made for."""

    WRITE = "write"  #: questions for open slots
    SOLVE = "solve"  #: an answer check of written questions


class Verdict(StrEnum):
    """Whether the solver's answers bear out our key."""

    AGREED = "agreed"
    DISPUTED = "disputed"


#: What a question is called that has no verdict.
UNCHECKED = "unchecked"


class Doubt(StrEnum):
    """What the solver found. The first four dispute a question, unless its key is proved."""

    OTHER_ANSWER = "other_answer"
    NO_RIGHT_ANSWER = "no_right_answer"
    SECOND_RIGHT_ANSWER = "second_right_answer"
    PASSAGE = "passage"  #: the question does not fit its passage
    LANGUAGE = "language"  #: words that a proofreader should see; the key may be right
    OUTWEIGHED = "outweighed"  #: the solver disputed the key, and the declared expression proves it


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of an answer check of one question."""

    verdict: Verdict
    reasons: tuple[Doubt, ...] = ()
    doubtful_words: str | None = None  #: as the solver quotes them; set with LANGUAGE
    solver: str = ""  #: the model that answered


#: How often a slot's question may be written again because it is disputed.
REWRITES_PER_SLOT = 2


def rewrites_allowed(batch_size: int) -> int:
    """How many questions of a batch may be written again, over all its runs: as many as half of its slots.

    Where more than half is disputed, the solver is more likely to be wrong than the writer.
    """
    return -(-batch_size // 2)
