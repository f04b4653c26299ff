"""Another slot in the place of one that no provider fills: first another subtopic, then another topic.

The position, the section and the difficulty stay, so that neither the exam's shape nor another question moves. A slot
with a figure gets one without: only the plan knows which other figures the page can draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from generation.batch_history import Deviation
from generation.catalogue import Catalogue, TopicData, load_catalogue
from generation.model import CHOICES_PER_QUESTION, FIGURED_TYPES, QuestionType, Slot, Topic, Track

#: The next deviation of a slot, by its present one; without an entry there is none.
_NEXT = {None: Deviation.SUBTOPIC, Deviation.SUBTOPIC: Deviation.TOPIC}


def deviate(slots: Sequence[Slot], track: Track, *, seed: int, topics: Sequence[Topic]) -> list[Slot]:
    """The slots that replace these, each one step further from the plan. Equal input gives equal slots.

    A slot that has no step left is not returned. `topics` are those that the session may have.
    """
    catalogue = load_catalogue()
    replaced = []
    for slot in slots:
        step = _NEXT.get(slot.deviation)
        rng = Random(f"{seed}:{slot.position}:{step}")  # noqa: S311 - must be repeatable, not secret
        if step is Deviation.SUBTOPIC:
            replaced.append(_with_subtopic(slot, catalogue, track, rng))
        elif step is Deviation.TOPIC:
            other = _with_topic(slot, catalogue, track, rng=rng, topics=topics)
            replaced += [other] if other is not None else []
    return _with_common_angles(replaced, catalogue, seed)


def varied(slot: Slot, track: Track, *, seed: int, times: int) -> Slot:
    """The same slot with another subtopic and angle, after its questions were disputed `times` times.

    Topic, type and difficulty stay, so that this is no deviation from the plan. Equal input gives equal slots.
    """
    catalogue = load_catalogue()
    rng = Random(f"{seed}:{slot.position}:disputed {times}")  # noqa: S311 - must be repeatable, not secret
    other = replace(_with_subtopic(slot, catalogue, track, rng), deviation=slot.deviation)
    angles = [angle for angle in catalogue.angles[slot.section] if angle != slot.angle]
    return other if slot.passage_group is not None else replace(other, angle=rng.choice(angles))


def _with_subtopic(slot: Slot, catalogue: Catalogue, track: Track, rng: Random) -> Slot:
    data = catalogue.topics[slot.topic]
    if slot.question_type in FIGURED_TYPES:
        if not _plain_types(data):
            return replace(slot, deviation=Deviation.SUBTOPIC)
        slot = _with_type(slot, _drawn_type(data, rng), rng)
    names = _subtopics(data, slot.question_type, track)
    others = [name for name in names if name != slot.subtopic] or names
    return replace(slot, subtopic=rng.choice(others), deviation=Deviation.SUBTOPIC)


def _with_topic(
    slot: Slot, catalogue: Catalogue, track: Track, *, rng: Random, topics: Sequence[Topic]
) -> Slot | None:
    """A slot of another topic that needs no passage; None when the session may have no such topic."""
    others = [
        topic
        for topic, data in catalogue.topics_of(slot.section).items()
        if topic is not slot.topic
        and topic in topics
        and data.weight
        and not data.shares_passages
        and _plain_types(data)
    ]
    if not others:
        return None
    topic = rng.choice(others)
    data = catalogue.topics[topic]
    question_type = _drawn_type(data, rng)
    return replace(
        _with_type(slot, question_type, rng),
        topic=topic,
        subtopic=rng.choice(_subtopics(data, question_type, track)),
        passage_group=None,
        deviation=Deviation.TOPIC,
    )


def _plain_types(data: TopicData) -> dict[QuestionType, int]:
    """The topic's types that need no figure, with their weights."""
    return {kind: weight for kind, weight in data.types.items() if kind not in FIGURED_TYPES}


def _drawn_type(data: TopicData, rng: Random) -> QuestionType:
    types = _plain_types(data)
    return rng.choices(list(types), list(types.values()))[0]


def _with_type(slot: Slot, question_type: QuestionType, rng: Random) -> Slot:
    """A comparison wants one of its fixed answers; every other type has a place for its key."""
    is_comparison = question_type is QuestionType.COMPARISON
    planned = slot.wanted_answer if is_comparison else slot.key_index
    choice = rng.randrange(CHOICES_PER_QUESTION) if planned is None else planned
    return replace(
        slot,
        question_type=question_type,
        key_index=None if is_comparison else choice,
        wanted_answer=choice if is_comparison else None,
        pattern=None,
        web_app_only=False,
    )


def _subtopics(data: TopicData, question_type: QuestionType, track: Track) -> list[str]:
    pools = [pool for pool in data.subtopics if track in pool.tracks and question_type in pool.types]
    return [name for pool in pools for name in pool.names]


def _with_common_angles(slots: Sequence[Slot], catalogue: Catalogue, seed: int) -> list[Slot]:
    """Each slot with another angle; the slots of one passage share theirs."""
    changed = []
    for slot in slots:
        shared_by = slot.position if slot.passage_group is None else f"group {slot.passage_group}"
        rng = Random(f"{seed}:{shared_by}:{slot.deviation}:angle")  # noqa: S311 - must be repeatable, not secret
        others = [angle for angle in catalogue.angles[slot.section] if angle != slot.angle]
        changed.append(replace(slot, angle=rng.choice(others)))
    return changed
