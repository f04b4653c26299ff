"""What happened while a batch was filled, as frozen values for whoever watches.

The use case emits them; metrics, log lines and spans are made of them elsewhere. They carry ids and
numbers only: no question text, no answer, no key.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from generation.model import AttemptRecord, QuestionType, Section, Urgency


@dataclass(frozen=True, slots=True)
class RunStarted:
    session_id: UUID
    batch_index: int
    epoch: int
    section: Section
    urgency: Urgency
    open_slots: int


@dataclass(frozen=True, slots=True)
class QuestionAccepted:
    session_id: UUID
    batch_index: int
    position: int
    question_type: QuestionType
    provider: str
    since_run_start_ms: int


@dataclass(frozen=True, slots=True)
class QuestionRejected:
    session_id: UUID
    batch_index: int
    position: int | None  #: None when the object names no slot of this call
    reason: str  #: stable snake_case, one per rule
    provider: str


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    attempt: AttemptRecord
    since_run_start_ms: int  #: when it was sent


@dataclass(frozen=True, slots=True)
class ProviderGivenUp:
    """The run asks this source no more, whether or not there is another to turn to."""

    session_id: UUID
    batch_index: int
    provider: str
    because: str  #: the error's code


@dataclass(frozen=True, slots=True)
class BatchChecked:
    """A answer check was asked for; or would have been, if there had been somebody to ask."""

    session_id: UUID
    batch_index: int
    outcome: str  #: "complete", or why there is no opinion
    agreed: int = 0
    disputed: int = 0
    unsure: int = 0  #: questions that the reply says nothing usable about
    skipped: int = 0  #: questions that there is no opinion on
    replaceable: int = 0  #: of the disputed: to be written again


@dataclass(frozen=True, slots=True)
class RunEnded:
    session_id: UUID
    batch_index: int
    epoch: int
    urgency: Urgency
    outcome: str  #: "ready", or the code of why it is not
    accepted: int
    attempts: int
    first_question_ms: int | None  #: from the start of the run to its first commit
    duration_ms: int


RunEvent = (
    RunStarted
    | QuestionAccepted
    | QuestionRejected
    | AttemptEnded
    | ProviderGivenUp
    | BatchChecked
    | RunEnded
)
