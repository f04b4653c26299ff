"""The domain values: slots, batches, plans, and questions.

Independent of Postgres, Redis, Celery and the vendors' SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from generation.batch_history import Deviation, Spent


class SessionKind(StrEnum):
    EXAM = "exam"
    PRACTICE = "practice"


class Track(StrEnum):
    SCIENTIFIC = "scientific"
    LITERARY = "literary"


class Section(StrEnum):
    QUANTITATIVE = "quantitative"
    VERBAL = "verbal"


class Difficulty(StrEnum):
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Topic(StrEnum):
    ALGEBRA = "algebra"
    GEOMETRY = "geometry"
    STATISTICS = "statistics"
    RATIO_PROPORTION = "ratio-proportion"
    PROBABILITY = "probability"
    SPEED_TIME_DISTANCE = "speed-time-distance"
    READING_COMPREHENSION = "reading-comprehension"
    SENTENCE_COMPLETION = "sentence-completion"
    CONTEXT_ERROR = "context-error"
    ANALOGY = "analogy"
    ASSOCIATION_DIFFERENCE = "association-difference"
    VOCABULARY = "vocabulary"

    @property
    def section(self) -> Section:
        return Section.QUANTITATIVE if self in QUANTITATIVE_TOPICS else Section.VERBAL


QUANTITATIVE_TOPICS = frozenset(
    {
        Topic.ALGEBRA,
        Topic.GEOMETRY,
        Topic.STATISTICS,
        Topic.RATIO_PROPORTION,
        Topic.PROBABILITY,
        Topic.SPEED_TIME_DISTANCE,
    }
)


class QuestionType(StrEnum):
    MCQ = "mcq"
    COMPARISON = "comparison"
    DIAGRAM = "diagram"
    CHART = "chart"
    READING = "reading"
    ANALOGY = "analogy"
    COMPLETION = "completion"
    ERROR = "error"
    ODD_WORD = "odd-word"


FIGURED_TYPES = frozenset({QuestionType.DIAGRAM, QuestionType.CHART})

#: The four answers of a comparison question, always in this order.
COMPARISON_CHOICES = (
    "القيمة الأولى أكبر",
    "القيمة الثانية أكبر",
    "القيمتان متساويتان",
    "المعطيات غير كافية للمقارنة",
)

CHOICES_PER_QUESTION = 4

#: The fields of a stored question that stay in our own tables: what we know of its key and its faults.
OUR_OWN_FIELDS = ("declared", "proved", "flags")


class BatchStatus(StrEnum):
    """Queued: requested. Running: a run holds its lease. Ready: complete. Failed: until requested again."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class Urgency(StrEnum):
    """Whether a student waits for the batch now or will need it soon. Also the name of its queue."""

    INTERACTIVE = "interactive"
    PREFETCH = "prefetch"


class EventKind(StrEnum):
    QUESTION = "question"
    BATCH_READY = "batch-ready"
    BATCH_FAILED = "batch-failed"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one question, fixed when the session is created, with the kind of question it needs."""

    position: int  #: 0-based in the whole session
    batch_index: int  #: 0-based
    sequence: int  #: 1-based in its batch; the last part of the question id
    section: Section
    topic: Topic
    subtopic: str
    question_type: QuestionType
    difficulty: Difficulty
    angle: str  #: Arabic setting or viewpoint that makes neighbours differ
    key_index: int | None = None  #: where the key goes, 0-3; None where the choices have a fixed order
    passage_group: int | None = None  #: slots of one group share a passage and go to the same call
    deviation: Deviation | None = None  #: None: as planned
    wanted_answer: int | None = None  #: of a comparison: the planned one of the fixed choices, 0-3
    pattern: str | None = (
        None  #: of its figure; None: no figure, or one that was planned before figures were patterns
    )
    web_app_only: bool = False  #: the figure must be one that the web app's own renderers draw

    @property
    def question_id(self) -> str:
        prefix = "quant" if self.section is Section.QUANTITATIVE else "verbal"
        return f"{prefix}_{self.batch_index}_{self.sequence:02d}"

    def to_json(self) -> dict[str, Any]:
        spec: dict[str, Any] = {
            "position": self.position,
            "batchIndex": self.batch_index,
            "sequence": self.sequence,
            "section": self.section.value,
            "topic": self.topic.value,
            "subtopic": self.subtopic,
            "questionType": self.question_type.value,
            "difficulty": self.difficulty.value,
            "angle": self.angle,
            "keyIndex": self.key_index,
            "passageGroup": self.passage_group,
        }
        if self.deviation is not None:
            spec["deviation"] = self.deviation.value
        if self.wanted_answer is not None:
            spec["wantedAnswer"] = self.wanted_answer
        if self.pattern is not None:
            spec |= {"pattern": self.pattern, "webAppOnly": self.web_app_only}
        return spec

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Slot:
        return cls(
            position=spec["position"],
            batch_index=spec["batchIndex"],
            sequence=spec["sequence"],
            section=Section(spec["section"]),
            topic=Topic(spec["topic"]),
            subtopic=spec["subtopic"],
            question_type=QuestionType(spec["questionType"]),
            difficulty=Difficulty(spec["difficulty"]),
            angle=spec["angle"],
            key_index=spec["keyIndex"],
            passage_group=spec["passageGroup"],
            deviation=Deviation(spec["deviation"]) if "deviation" in spec else None,
            wanted_answer=spec.get("wantedAnswer"),
            pattern=spec.get("pattern"),
            web_app_only=spec.get("webAppOnly", False),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """A run of consecutive slots of one section."""

    index: int  #: 0-based
    section: Section
    start: int  #: position of its first slot
    size: int
    bundle: int = 1  #: the most slots that share a passage, which lanes cannot divide

    @property
    def stop(self) -> int:
        """The position after its last slot."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class PracticeChoice:
    """A student's choices for a practice session."""

    section: Section
    topics: tuple[Topic, ...]
    difficulty: Difficulty
    question_count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All batches and slots of one session, fixed at creation from versioned data and a seed."""

    kind: SessionKind
    version: str  #: of the catalogue data
    seed: int
    track: Track
    batches: tuple[Batch, ...]
    slots: tuple[Slot, ...]
    practice: PracticeChoice | None = None

    @property
    def total_questions(self) -> int:
        return len(self.slots)

    def slots_of(self, batch: Batch) -> tuple[Slot, ...]:
        return self.slots[batch.start : batch.stop]


@dataclass(frozen=True, slots=True)
class Question:
    """An accepted question: it fits its slot, has one key among four distinct choices, repeats nothing."""

    slot: Slot
    stem: str
    choices: tuple[str, ...]
    answer_index: int
    explanation: str
    fingerprint: str  #: of the normalized text; unique within a session
    tip: str | None = None  #: for after the answer; None where none was asked for, or none was usable
    solving_strategy: str | None = None  #: likewise
    passage: str | None = None
    diagram: Mapping[str, Any] | None = None
    declared: str | None = None  #: the writer's expression for the key, as written
    proved: bool = False  #: the declared expression arrives at the key, and at no distractor
    flags: tuple[str, ...] = ()  #: the rules that it breaks without being rejected

    def content(self) -> dict[str, Any]:
        """The question as we store it, answer included: never send it to a student.

        The web app's row gets it without OUR_OWN_FIELDS, which are absent where there is nothing to say.
        """
        shape: dict[str, Any] = {
            "id": self.slot.question_id,
            "index": self.slot.position,
            "section": self.slot.section.value,
            "topic": self.slot.topic.value,
            "difficulty": self.slot.difficulty.value,
            "questionType": self.slot.question_type.value,
            "stem": self.stem,
            "choices": list(self.choices),
            "answerIndex": self.answer_index,
            "explanation": self.explanation,
            "tags": [self.slot.subtopic],
        } | self._hints()
        if self.passage is not None:
            shape["passage"] = self.passage
        if self.diagram is not None:
            shape["diagram"] = dict(self.diagram)
        own = {"declared": self.declared, "proved": self.proved, "flags": list(self.flags)}
        return shape | {name: value for name, value in own.items() if value}

    def _hints(self) -> dict[str, str]:
        hints = {"tip": self.tip, "solvingStrategy": self.solving_strategy}
        return {name: hint for name, hint in hints.items() if hint is not None}


@dataclass(frozen=True, slots=True)
class EarlierQuestion:
    """The part of a committed question that a later call needs, to reuse its passage and to avoid a repeat."""

    position: int  #: negative: from another session of the same student, the newest at -1
    question_type: QuestionType
    stem: str
    choices: tuple[str, ...]
    passage: str | None = None
    passage_group: int | None = None
    diagram: Mapping[str, Any] | None = None
    topic: Topic | None = None  #: of its slot; None: only the type is known

    @property
    def is_elsewhere(self) -> bool:
        return self.position < 0

    @classmethod
    def of(cls, question: Question) -> EarlierQuestion:
        return cls(
            position=question.slot.position,
            question_type=question.slot.question_type,
            stem=question.stem,
            choices=question.choices,
            passage=question.passage,
            passage_group=question.slot.passage_group,
            diagram=question.diagram,
            topic=question.slot.topic,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to fill one batch, given by Postgres; every write carries its epoch, the fencing token."""

    session_id: UUID
    kind: SessionKind
    track: Track
    batch: Batch
    seed: int
    epoch: int
    urgency: Urgency
    runs: int  #: of this batch, this one included
    failures: int  #: its runs that counted as failures
    open_slots: tuple[Slot, ...]
    earlier: tuple[EarlierQuestion, ...]  #: the student's latest of other sessions, then all of this one
    waited_s: float = 0.0  #: since the batch was due
    spent: Spent = field(default_factory=Spent)  #: by earlier runs since the batch last rested
    rests: int = 0  #: how often the batch rested because nothing came of it
    is_last: bool = False  #: no batch of the session follows
    topics: tuple[Topic, ...] = tuple(Topic)  #: that the session may have
    traceparent: str | None = None  #: trace context of the request for the batch; only tracing reads it
