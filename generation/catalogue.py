"""The versioned data from which sessions are planned. The owner may correct the file; it is validated when loaded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from generation.errors import PlanError
from generation.figures.catalogue import CHARTS, PATTERNS
from generation.model import FIGURED_TYPES, Difficulty, QuestionType, Section, Topic, Track

#: The version for new sessions. Older sessions keep their slots.
CURRENT_VERSION: Final = "2026-11"

#: Enough angles that no batch needs one twice.
FEWEST_ANGLES: Final = 20

Share = Annotated[int, Field(ge=0, le=1000)]
Count = Annotated[int, Field(ge=0, le=1000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=60)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SubtopicPool(_Data):
    """Subtopics with one common share; a pool without tracks or types serves all of them."""

    share: Annotated[int, Field(ge=1, le=1000)]
    names: tuple[Name, ...] = Field(min_length=1)
    tracks: tuple[Track, ...] = tuple(Track)
    types: tuple[QuestionType, ...] = tuple(QuestionType)


class TopicData(_Data):
    weight: Share
    types: dict[QuestionType, Annotated[int, Field(ge=1, le=1000)]] = Field(min_length=1)
    subtopics: tuple[SubtopicPool, ...]

    @model_validator(mode="after")
    def _a_passage_serves_reading_only(self) -> Self:
        if QuestionType.READING in self.types and len(self.types) > 1:
            raise ValueError("reading cannot share a topic with another type: its slots share a passage")
        return self

    @model_validator(mode="after")
    def _every_type_has_a_subtopic_in_every_track(self) -> Self:
        for track in Track:
            for kind in self.types:
                if not any(kind in pool.types and track in pool.tracks for pool in self.subtopics):
                    raise ValueError(f"no subtopic serves {kind} questions of the {track} track")
        return self

    @property
    def shares_passages(self) -> bool:
        return QuestionType.READING in self.types


class DifficultyData(_Data):
    """The shares over a whole exam, and fixed mixes for batches of certain sizes."""

    shares: dict[Difficulty, Share]
    fixed_mixes: dict[int, dict[Difficulty, Count]] = {}

    @model_validator(mode="after")
    def _sums(self) -> Self:
        if set(self.shares) != set(Difficulty) or sum(self.shares.values()) == 0:
            raise ValueError("shares must name easy, medium and hard, and not all be zero")
        for size, mix in self.fixed_mixes.items():
            if sum(mix.values()) != size:
                raise ValueError(f"the fixed mix of {size} adds up to {sum(mix.values())}")
        return self


class PassageGroup(_Data):
    smallest: Annotated[int, Field(ge=1)]
    largest: Annotated[int, Field(le=20)]

    @model_validator(mode="after")
    def _can_be_split_evenly(self) -> Self:
        if self.largest < 2 * self.smallest - 1:
            raise ValueError(
                "largest must be at least 2 * smallest - 1, otherwise some counts cannot be split"
            )
        return self


class PracticeData(_Data):
    max_questions: Annotated[int, Field(ge=1, le=1000)]


class Catalogue(_Data):
    """All data that a plan is made from, complete and consistent."""

    version: Name
    exam: dict[Track, dict[Section, Count]]
    practice: PracticeData
    passage_group: PassageGroup
    difficulty: DifficultyData
    topics: dict[Topic, TopicData]
    patterns: dict[
        Name, Annotated[tuple[str, ...], Field(min_length=1)]
    ]  #: of figures, by the subtopic they fit
    angles: dict[Section, tuple[Name, ...]]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for field, wanted, found in (
            ("exam", set(Track), set(self.exam)),
            ("topics", set(Topic), set(self.topics)),
            ("angles", set(Section), set(self.angles)),
        ):
            if missing := sorted(wanted - found):
                raise ValueError(f"{field} lacks {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _every_section_can_be_filled(self) -> Self:
        for section in Section:
            if not any(data.weight for data in self.topics_of(section).values()):
                raise ValueError(f"topics of {section} have no weight")
            if len(set(self.angles[section])) < max(len(self.angles[section]), FEWEST_ANGLES):
                raise ValueError(f"angles of {section} must be at least {FEWEST_ANGLES}, each only once")
        return self

    @model_validator(mode="after")
    def _every_figure_has_a_subtopic_that_it_fits(self) -> Self:
        listed = {name for names in self.patterns.values() for name in names}
        if differ := sorted(listed ^ PATTERNS.keys()):
            raise ValueError(f"patterns must list each figure of the catalogue: see {', '.join(differ)}")
        for kind in FIGURED_TYPES:
            for subtopic in self._subtopics_of(kind):
                fitting = self.patterns.get(subtopic, ())
                if not fitting or any((name in CHARTS) != (kind is QuestionType.CHART) for name in fitting):
                    raise ValueError(f"patterns of {subtopic} must be those of {kind} questions")
        return self

    def _subtopics_of(self, kind: QuestionType) -> Iterator[str]:
        for data in self.topics.values():
            if kind in data.types:
                yield from (name for pool in data.subtopics if kind in pool.types for name in pool.names)

    def topics_of(self, section: Section) -> dict[Topic, TopicData]:
        """The section's topics in the order of the data."""
        return {topic: data for topic, data in self.topics.items() if topic.section is section}


@cache
def load_catalogue() -> Catalogue:
    """The current data, read once per process. Raises PlanError, which names every wrong field."""
    name = f"plan-{CURRENT_VERSION}.json"
    return parse_catalogue((files("generation") / "data" / name).read_bytes(), name)


def parse_catalogue(text: str | bytes, name: str) -> Catalogue:
    """The validated data in `text`. Raises PlanError; `name` is the file to correct in its message."""
    try:
        return Catalogue.model_validate_json(text)
    except ValidationError as err:
        problems = "; ".join(_sentence(problem["loc"], problem["msg"]) for problem in err.errors())
        raise PlanError(f"Correct {name}: {problems}.", file=name) from err


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in location) or "the file"
    return f"{where}: {message.removeprefix('Value error, ')}"
