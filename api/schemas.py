"""The JSON shapes of the API, and the one place that decides which fields of a question a student may see.

camelCase in JSON, snake_case in Python. Bodies are strict: an unknown field is rejected, so that developers find
their typing mistakes before a student does. A question is built from an allow-list of fields: no other field is
ever sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict, JsonValue
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from api import examples
from db.sessions import SessionSummary, SessionView
from generation.model import (
    BatchStatus,
    Difficulty,
    PracticeChoice,
    QuestionType,
    Section,
    Topic,
    Track,
)
from generation.reports import MAX_REPORT_CHARS, ReportReason


def _rfc_3339(moment: object) -> object:
    """Reject a string that is not a date: a bare number would be accepted as seconds since 1970."""
    if isinstance(moment, str) and not _DATE.match(moment):
        raise PydanticCustomError("datetime_parsing", "not a time in RFC 3339 format")
    return moment


_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]")

#: A time in a request: RFC 3339, with an offset.
AskedMoment = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]

Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]

#: None in Python, absent in JSON.
Absent = SkipJsonSchema[None]


def _whole(number: object) -> object:
    """In JSON 3.0 is the integer 3. A string or a boolean is not an integer."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


WHOLE = BeforeValidator(_whole)

_MAX_BATCH_INDEX = 1000
MAX_QUESTION_INDEX = 10_000


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


def _not_null(value: object) -> object:
    if value is None:
        raise PydanticCustomError("missing", "leave the field out instead")
    return value


NOT_NULL = BeforeValidator(_not_null)


class CreateExam(_Body):
    """A new exam of this track, or one like a completed exam of the user's, with other questions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [examples.CREATE_EXAM, examples.RETAKE_EXAM],
            "oneOf": [{"required": ["track"]}, {"required": ["sourceSessionId"]}],
        }
    )

    track: Annotated[Track | Absent, NOT_NULL] = None
    source_session_id: Annotated[UUID | Absent, NOT_NULL] = Field(
        None, description="A completed exam of the user's, which is taken again: its track, other questions"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.track is None) == (self.source_session_id is None):
            raise PydanticCustomError(
                "one_of",
                "give the track or the exam that is taken again",
                {"allowed": ["track", "sourceSessionId"]},
            )
        return self


def _of_the_section(topic: Topic, info: ValidationInfo) -> Topic:
    section = info.data.get("section")  # absent when the section itself is invalid
    if section is not None and topic.section is not section:
        raise PydanticCustomError(
            "category_outside_section",
            "the category belongs to the other section",
            {"allowed": [each.value for each in Topic if each.section is section]},
        )
    return topic


TopicOfTheSection = Annotated[Topic, AfterValidator(_of_the_section)]


def _categories_within(section: Section) -> JsonDict:
    """The rule of `_of_the_section` as JSON Schema."""
    of_it: list[JsonValue] = [topic.value for topic in Topic if topic.section is section]
    return {
        "properties": {
            "section": {"const": section.value},
            "categories": {"type": "array", "items": {"enum": of_it}},
        },
        "required": ["section", "categories"],
    }


class CreatePractice(_Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [examples.CREATE_PRACTICE],
            "oneOf": [_categories_within(section) for section in Section],
        }
    )

    section: Section
    categories: Annotated[list[TopicOfTheSection], Field(min_length=1, max_length=len(Topic))]
    difficulty: Difficulty
    question_count: Annotated[StrictInt, Field(ge=1, le=100), WHOLE]
    track: Track = Track.SCIENTIFIC

    def choice(self) -> PracticeChoice:
        """What the student chose; each category once, in the student's order."""
        return PracticeChoice(
            section=self.section,
            topics=tuple(dict.fromkeys(self.categories)),
            difficulty=self.difficulty,
            question_count=self.question_count,
        )


class AskBatch(_Body):
    batch_index: Annotated[StrictInt, Field(ge=0, le=_MAX_BATCH_INDEX), WHOLE]


class Progress(_Body):
    #: 0-based position, in the whole session, of the student's current question.
    question_index: Annotated[StrictInt, Field(ge=0, le=MAX_QUESTION_INDEX), WHOLE]


class ReportQuestion(_Body):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.REPORT]})

    reason: ReportReason
    text: Annotated[str, Field(max_length=MAX_REPORT_CHARS)] = ""


class ReportShape(_Shape):
    index: int = Field(description="0-based position of the reported question in the whole session")
    already_reported: bool = Field(description="Whether the student had reported this question before")


class ChangeShape(_Shape):
    """A person has changed the question since it was written."""

    kind: Literal["corrected", "retired", "replaced"] = Field(
        description="`retired`: the question counts for nothing and stays in its place"
    )
    at: Moment


class ShownFigure(_Shape):
    """What was written for a figure, as far as the student sees it: what is asked for or hidden is absent."""

    pattern: str = Field(description="One of docs/figures.md")
    unit: str | Absent = None
    points: str | Absent = Field(None, description="The letters of its points, in the pattern's order")
    measures: dict[str, int | float] | Absent = Field(
        None, description="Lengths, and angles in degrees, by name"
    )
    at: dict[str, list[int | float]] | Absent = Field(None, description="[x, y] of each point, by its letter")
    paths: list[str] | Absent = Field(None, description="The points that are joined, in order")
    heading: str | Absent = Field(None, description="This and the following: charts only")
    labels: list[str | int | float] | Absent = None
    values: list[int | float | None] | Absent = Field(None, description="null where the value is asked for")
    series: dict[str, list[int | float]] | Absent = Field(
        None, description="The values of each series, by name"
    )
    of: str | Absent = Field(None, description="What the values count")
    by: str | Absent = Field(None, description="What the labels are")
    whole: int | float | Absent = Field(None, description="The amount that is 100 %")


def _for_renderers(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name in _RENDERED}


#: What the web app's own renderers read of `data`.
_RENDERED = frozenset(
    {"angles", "dimensions", "label", "labels", "radius", "shapes", "showDiameter", "showRadius", "sides",
     "subtype", "title", "values", "vertices", "xAxisLabel", "yAxisLabel"}
)  # fmt: skip


class FigureShape(_Shape):
    """A figure: our own drawing, its description, and what is shown of its parameters.

    Nothing of it is asked for. Show `svg` as an image whose alternative text is `caption`, never as markup.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.FIGURE]})

    svg: str = Field(description="An SVG document of at most 8 KB")
    caption: str = Field(description="What is seen, in Arabic")
    figure: ShownFigure
    type: str | Absent = Field(
        None,
        description="With renderHint and data: for the web app's own renderers, where they draw it rightly",
    )
    render_hint: str | Absent = None
    data: Annotated[dict[str, Any], AfterValidator(_for_renderers)] | Absent = None


class FormerFigureShape(_Shape):
    """A figure of a session from before figures had a drawing: a description with measures, or a chart's values."""

    kind: str
    description: str | Absent = None
    measures: dict[str, int | float] | Absent = None
    title: str | Absent = None
    labels: list[str] | Absent = None
    values: list[int | float] | Absent = None


class QuestionShape(_Shape):
    """A question without its answer key and explanation."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.QUESTION]})

    id: str
    index: int = Field(description="0-based position in the whole session")
    section: Section
    topic: Topic
    difficulty: Difficulty
    question_type: QuestionType
    stem: str
    choices: list[str] = Field(
        description="Four; a question from before the switch can have another number of them"
    )
    passage: str | Absent = None
    diagram: FigureShape | FormerFigureShape | Absent = None
    change: ChangeShape | Absent = None


class SessionSummaryShape(_Shape):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.SUMMARY]})

    id: UUID
    track: Track
    section: Section | Absent = Field(None, description="Practice only")
    categories: tuple[Topic, ...] | Absent = Field(None, description="Practice only")
    difficulty: Difficulty | Absent = Field(None, description="Practice only")
    status: str = Field(description="in_progress, paused, completed or abandoned")
    generated_batches: int
    total_questions: int
    created_at: Moment
    updated_at: Moment


class SessionShape(SessionSummaryShape):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.SESSION]})

    generation_in_progress: bool
    questions: tuple[QuestionShape, ...] = Field(description="Every committed question, in order of `index`")


class SessionPage(_Shape):
    sessions: tuple[SessionSummaryShape, ...] = Field(description="Newest first")
    next_before: Moment | Absent = Field(None, description="`before` of the next page; absent on the last")


class BatchMeta(_Shape):
    batch_index: int
    total_loaded: int = Field(description="Questions in this batch and all before it")
    cache_hit: bool = Field(description="Whether the batch was already ready when it was requested")


class BatchShape(_Shape):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.BATCH]})

    questions: tuple[QuestionShape, ...]
    meta: BatchMeta


class BatchPending(_Shape):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.PENDING]})

    batch_index: int
    status: BatchStatus
    events_url: str


class PrefetchShape(_Shape):
    batch_index: int


class ProgressShape(_Shape):
    prefetch: PrefetchShape | None = Field(description="The batch that this call has enqueued, if any")


def redacted(question: Mapping[str, Any]) -> QuestionShape:
    """A committed question without anything that reveals its answer.

    Takes the question from the store, with its position. Only the fields of QuestionShape pass, and of a figure
    only the fields of its shape.
    """
    visible = {name: question[name] for name in _VISIBLE if name in question}
    return QuestionShape(index=question["position"], **visible)


_VISIBLE = tuple(field.alias or name for name, field in QuestionShape.model_fields.items() if name != "index")


def summary_of(session: SessionSummary | SessionView) -> SessionSummaryShape:
    return SessionSummaryShape(**_summary(session))


def session_of(view: SessionView) -> SessionShape:
    return SessionShape(
        **_summary(view),
        generation_in_progress=view.generation_in_progress,
        questions=tuple(redacted(question) for question in view.questions),
    )


def batch_of(view: SessionView, batch_index: int, *, cache_hit: bool) -> BatchShape:
    """The questions of a ready batch, in order."""
    batch = view.batches[batch_index]
    positions = range(batch.start, batch.start + batch.size)
    return BatchShape(
        questions=tuple(
            redacted(question) for question in view.questions if question["position"] in positions
        ),
        meta=BatchMeta(batch_index=batch_index, total_loaded=positions.stop, cache_hit=cache_hit),
    )


def _summary(session: SessionSummary | SessionView) -> dict[str, Any]:
    choice = session.practice
    return {
        "id": session.id,
        "track": session.track,
        "section": choice and choice.section,
        "categories": choice and choice.topics,
        "difficulty": choice and choice.difficulty,
        "status": session.status,
        "generated_batches": session.generated_batches,
        "total_questions": session.total_questions,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }
