"""The events of a run, as frozen values for an observer.

The use case emits them; observers make metrics, log lines and spans of them. They hold ids and numbers only,
never question text, an answer or a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from generation.batch_history import Deviation
from generation.model import QuestionType, Section, Urgency
from generation.model_call import AttemptRecord
from generation.rules.table import TextRule


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
    noted: tuple[TextRule, ...] = ()  #: the rules that it breaks without being rejected


@dataclass(frozen=True, slots=True)
class QuestionRejected:
    session_id: UUID
    batch_index: int
    position: int | None  #: None when the object names no slot of this call
    reason: str  #: stable snake_case, one for each rule
    provider: str


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    attempt: AttemptRecord
    since_run_start_ms: int  #: when the request was sent


@dataclass(frozen=True, slots=True)
class ProviderGivenUp:
    """The run calls this provider no more, whether or not there is another."""

    session_id: UUID
    batch_index: int
    provider: str
    because: str  #: an error's code, or "no_yield"


@dataclass(frozen=True, slots=True)
class SlotDeviated:
    """No provider could fill the slot; another one takes its place."""

    session_id: UUID
    batch_index: int
    position: int
    deviation: Deviation | None  #: from the plan


@dataclass(frozen=True, slots=True)
class BatchEndedShort:
    """The session's last batch is published with fewer questions than planned."""

    session_id: UUID
    batch_index: int
    missing: int


@dataclass(frozen=True, slots=True)
class BatchChecked:
    """An answer check was made, or was skipped because no solver was available."""

    session_id: UUID
    batch_index: int
    outcome: str  #: "complete", or why there are no verdicts
    agreed: int = 0
    disputed: int = 0
    unsure: int = 0  #: questions without one usable answer in the reply
    skipped: int = 0  #: questions without a verdict because the check did not complete
    replaceable: int = 0  #: disputed questions that are to be written again
    outweighed: int = 0  #: of the agreed: the solver disputed a key that its expression proves
    doubtful_language: int = 0  #: questions with words that a proofreader should see


@dataclass(frozen=True, slots=True)
class RunEnded:
    session_id: UUID
    batch_index: int
    epoch: int
    urgency: Urgency
    outcome: str  #: "ready", or the code of the reason why not
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
    | SlotDeviated
    | BatchEndedShort
    | BatchChecked
    | RunEnded
)
