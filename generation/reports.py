"""What a student may say about a question, in the words of the web app's table question_errors."""

from __future__ import annotations

from enum import StrEnum

MAX_REPORT_CHARS = 500


class ReportReason(StrEnum):
    MATHEMATICAL = "mathematical"
    GRAMMATICAL = "grammatical"
    DIAGRAM = "diagram"
    OTHER = "other"


class Decision(StrEnum):
    """What a person decided about a question."""

    ACCEPTED = "accepted"  #: it stays as it is
    CORRECTED = "corrected"  #: the same question with other words or another key
    RETIRED = "retired"  #: it stays in its place and counts for nothing
    REPLACED = "replaced"  #: another question for the same slot is in its place


def printable(text: str) -> str:
    """The text on one line, without characters that Postgres cannot store or that change a terminal."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())
