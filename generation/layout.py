"""The topics of a batch and their order: exact shares, different neighbours, whole passage groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from generation.apportion import RunningShares, apportion_by_weight
from generation.model import Topic


@dataclass(frozen=True, slots=True)
class GroupRule:
    """How many consecutive slots share a passage."""

    smallest: int
    largest: int
    may_be_smaller: bool  #: where fewer slots are left; if not, other topics get those slots


@dataclass(frozen=True, slots=True)
class Unit:
    """Slots that stay together: one question, or all questions of one passage."""

    topic: Topic
    size: int
    shares_passage: bool


def topics_per_batch(
    sizes: Iterable[int], weights: Mapping[Topic, int], *, with_passages: frozenset[Topic], rule: GroupRule
) -> list[dict[Topic, int]]:
    """The number of slots of each topic, for every batch of a section.

    The sum of each batch is exact; shares are by largest remainder over the section. Where a batch is too small
    for a whole passage group, other topics get its slots.
    """
    sizes = list(sizes)
    weights = {topic: weight for topic, weight in weights.items() if weight}
    shares = RunningShares(apportion_by_weight(weights, sum(sizes)))
    only_passages = with_passages.issuperset(weights)
    portions = []
    for size in sizes:
        taken: dict[Topic, int] = {}
        for topic in (topic for topic in weights if topic in with_passages):
            left = size - sum(taken.values())
            number = left if only_passages else _passage_slots(left, shares, topic, rule=rule)
            taken[topic] = number
        portions.append(shares.assign(size, taken))
    return portions


def _passage_slots(size: int, shares: RunningShares[Topic], topic: Topic, *, rule: GroupRule) -> int:
    """The number nearest to the topic's fair share that gives whole groups now and in the later batches."""
    left = max(shares.left(topic), 0)
    need: Fraction = shares.need(topic, size)
    smallest = min(rule.smallest, size, left) if rule.may_be_smaller else rule.smallest
    whole = [
        number
        for number in range(smallest, min(size, left) + 1)
        if number == left or left - number >= smallest
    ]
    return min([0, *whole], key=lambda number: (abs(number - need), -number))


def lay_out(
    counts: Mapping[Topic, int], *, with_passages: frozenset[Topic], rule: GroupRule, rng: Random
) -> list[Unit]:
    """The batch's units in order: equal topics are kept apart while possible; passages are at random places."""
    units = [
        Unit(topic, 1, shares_passage=False)
        for topic in _interleaved({t: n for t, n in counts.items() if t not in with_passages}, rng)
    ]
    for topic, number in counts.items():
        if topic in with_passages:
            for size in _group_sizes(number, rule.largest):
                units.insert(rng.randint(0, len(units)), Unit(topic, size, shares_passage=True))
    return units


def _interleaved(counts: Mapping[Topic, int], rng: Random) -> Sequence[Topic]:
    """The most numerous topic first, so that rare ones remain to separate its slots; ties are random."""
    left = {topic: number for topic, number in counts.items() if number}
    order: list[Topic] = []
    while left:
        others = [topic for topic in left if topic not in order[-1:]] or list(left)
        most = max(left[topic] for topic in others)
        topic = rng.choice([topic for topic in others if left[topic] == most])
        order.append(topic)
        left[topic] -= 1
        if not left[topic]:
            del left[topic]
    return order


def _group_sizes(number: int, largest: int) -> list[int]:
    """The sizes of the fewest groups that hold `number` slots, as equal as possible."""
    groups = -(-number // largest)
    return [number // groups + (place < number % groups) for place in range(groups)]
