"""Turns units into slots: assigns type, subtopic, difficulty, angle and key place, in a seeded random order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, groupby
from random import Random
from typing import TypeVar

from generation.apportion import Deck, RunningShares
from generation.catalogue import Catalogue, SubtopicPool
from generation.figure_plan import FigureChoice, PatternAssignment, types_of
from generation.layout import Unit
from generation.model import (
    CHOICES_PER_QUESTION,
    FIGURED_TYPES,
    Batch,
    Difficulty,
    QuestionType,
    Section,
    Slot,
    Topic,
    Track,
)

K = TypeVar("K")

#: Of equal key places one after the other. Chance exceeds it in one exam of fifteen; a tighter limit would tell keys.
LONGEST_RUN = 5
#: Of one key place in a session of at least JUDGED_FROM movable questions. In shorter ones chance decides: a limit
#: that few questions reach often would tell the last key to who knows the others.
LARGEST_SHARE = 0.4
JUDGED_FROM = 20

#: The keys have a generator of their own, so that the order of topics and passages, which students see, tells
#: nothing of its state.
KEY_SEED_BITS = 256


class SlotAssignment:
    """Assigns the slots of one session, batch after batch. `topic_totals`: slots per topic in the session."""

    def __init__(
        self,
        catalogue: Catalogue,
        track: Track,
        *,
        topic_totals: Mapping[Topic, int],
        figures: FigureChoice,
        rng: Random,
    ) -> None:
        self._rng = rng
        self._types = {
            topic: _shuffled(types, rng)
            for topic, types in types_of(catalogue, track, topic_totals, figures).items()
        }
        self._patterns = PatternAssignment(catalogue, figures, rng)
        self._subtopics = {
            topic: SubtopicAssignment(catalogue.topics[topic].subtopics, track, self._patterns.serves, rng)
            for topic in topic_totals
        }
        self._angles = {section: AngleAssignment(names, rng) for section, names in catalogue.angles.items()}
        movable = sum(kind is not QuestionType.COMPARISON for kinds in self._types.values() for kind in kinds)
        bits = rng.getrandbits(KEY_SEED_BITS)
        self._keys = KeyPlaces(movable, Random(f"keys:{bits}"))  # noqa: S311 - repeatable; the seed stays in the server
        comparisons = sum(map(len, self._types.values())) - movable
        self._answers = draw_answers(comparisons, Random(f"answers:{bits}"))  # noqa: S311 - as above
        self._groups = count()

    def assign(self, batch: Batch, units: Sequence[Unit], mix: Mapping[Difficulty, int]) -> list[Slot]:
        """The batch's slots in order; `mix` and the units each add up to the batch's size."""
        topics = [unit.topic for unit in units for _ in range(unit.size)]
        types = [self._types[topic].pop() for topic in topics]
        difficulties = _shuffled(mix, self._rng)
        keys = self._keys.assign(types)
        places = self._places(batch.section, units)
        return [
            self._with_pattern(
                Slot(
                    position=batch.start + place,
                    batch_index=batch.index,
                    sequence=place + 1,
                    section=batch.section,
                    topic=topics[place],
                    subtopic=self._subtopics[topics[place]].assign(types[place]),
                    question_type=types[place],
                    difficulty=difficulties[place],
                    angle=angle,
                    key_index=keys[place],
                    passage_group=group,
                    wanted_answer=self._answers.pop() if types[place] is QuestionType.COMPARISON else None,
                )
            )
            for place, (angle, group) in enumerate(places)
        ]

    def _with_pattern(self, slot: Slot) -> Slot:
        if slot.question_type not in FIGURED_TYPES:
            return slot
        pattern = self._patterns.assign(slot.subtopic)
        return replace(slot, pattern=pattern, web_app_only=self._patterns.web_app_only)

    def _places(self, section: Section, units: Sequence[Unit]) -> Iterator[tuple[str, int | None]]:
        """The angle and passage group of every slot; the slots of one unit share both."""
        for unit in units:
            angle = self._angles[section].assign(unit.topic)
            group = next(self._groups) if unit.shares_passage else None
            for _ in range(unit.size):
                yield angle, group


class SubtopicAssignment:
    """Assigns a topic's subtopics: pools by their shares, and in a pool every name before any repeats."""

    def __init__(
        self, pools: Sequence[SubtopicPool], track: Track, serves: Callable[[str], bool], rng: Random
    ) -> None:
        """`serves`: whether a question of the subtopic can be planned."""
        names = {pool: list(filter(serves, pool.names)) for pool in pools if track in pool.tracks}
        self._pools = [pool for pool, left in names.items() if left]
        self._decks = [Deck(names[pool], rng) for pool in self._pools]
        self._shares: dict[QuestionType, RunningShares[int]] = {}

    def assign(self, question_type: QuestionType) -> str:
        if question_type not in self._shares:
            self._shares[question_type] = RunningShares(
                {index: pool.share for index, pool in enumerate(self._pools) if question_type in pool.types}
            )
        portion = self._shares[question_type].assign(1)
        return self._decks[max(portion, key=portion.__getitem__)].draw()


class AngleAssignment:
    """Assigns a section's angles: neighbours differ, and slots of one topic as far as there are angles."""

    def __init__(self, angles: Sequence[str], rng: Random) -> None:
        self._deck = Deck(angles, rng)
        self._used: dict[Topic, set[str]] = {}
        self._size = len(angles)
        self._last = ""

    def assign(self, topic: Topic) -> str:
        used = self._used.setdefault(topic, set())
        if len(used) >= self._size - 1:
            used.clear()
        self._last = self._deck.draw(avoid={*used, self._last})
        used.add(self._last)
        return self._last


class KeyPlaces:
    """Assigns the place of the correct choice, at random.

    Who knows every other key of the session learns nearly nothing about the last one (design section 6). Therefore
    the places are not dealt in equal parts: only a sequence that would look odd is drawn again, as a whole.
    """

    def __init__(self, movable: int, rng: Random) -> None:
        """`movable`: the session's questions whose choices have no fixed order."""
        self._left = draw_places(movable, rng)

    def assign(self, types: Sequence[QuestionType]) -> list[int | None]:
        """The key's index for every question of a batch; None where the choices have a fixed order."""
        return [None if kind is QuestionType.COMPARISON else self._left.pop() for kind in types]


def draw_places(number: int, rng: Random) -> list[int]:
    """`number` key places, every sequence that `looks_random` equally likely."""
    while True:
        places = rng.choices(range(CHOICES_PER_QUESTION), k=number)
        if looks_random(places):
            return places


def draw_answers(number: int, rng: Random) -> list[int]:
    """The planned answers of `number` comparisons, spread over the four: every sequence that is spread is equally likely.

    As for the places of keys, chance decides nearly alone, so that the others tell little of the last one.
    """
    fewest, most = number // _FEWEST_OF, -(-number // CHOICES_PER_QUESTION) + _MORE_THAN_EQUAL
    while True:
        answers = rng.choices(range(CHOICES_PER_QUESTION), k=number)
        counts = [answers.count(answer) for answer in range(CHOICES_PER_QUESTION)]
        if min(counts) >= fewest and max(counts) <= most:
            return answers


#: Of 14 comparisons each answer is planned for one to six.
_FEWEST_OF = 12
_MORE_THAN_EQUAL = 2


def looks_random(places: Sequence[int]) -> bool:
    """Whether no run is too long and, in a session long enough to judge, no place has too large a share."""
    if any(sum(1 for _ in run) > LONGEST_RUN for _, run in groupby(places)):
        return False
    return len(places) < JUDGED_FROM or max(Counter(places).values()) <= LARGEST_SHARE * len(places)


def _shuffled(counts: Mapping[K, int], rng: Random) -> list[K]:
    items = [key for key, number in counts.items() for _ in range(number)]
    rng.shuffle(items)
    return items
