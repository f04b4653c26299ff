"""Which topics a batch holds and in what order: shares exact, neighbours unlike, passages kept whole."""

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
    may_be_smaller: bool  #: where fewer slots are left; otherwise they become another topic


@dataclass(frozen=True, slots=True)
class Unit:
    """Slots that stay together: one question, or all questions of one passage."""

    topic: Topic
    size: int
    shares_passage: bool


def topics_per_batch(
    sizes: Iterable[int], weights: Mapping[Topic, int], *, with_passages: frozenset[Topic], rule: GroupRule
) -> list[dict[Topic, int]]:
    """How many slots of each topic every batch of a section has.

    Sums are exact per batch, shares by largest remainder over the section. Where batches are too small for
    whole passage groups the other topics take what those cannot.
    """
    sizes = list(sizes)
    weights = {topic: weight for topic, weight in weights.items() if weight}
    shares = RunningShares(apportion_by_weight(weights, sum(sizes)))
    only_passages = with_passages.issuperset(weights)
    portions = []
    for size in sizes:
        taken: dict[Topic, int] = {}
        for topic in (topic for topic in weights if topic in with_passages):
            room = size - sum(taken.values())
            number = room if only_passages else _passage_slots(room, shares, topic, rule=rule)
            taken[topic] = number
        portions.append(shares.assign(size, taken))
    return portions


def _passage_slots(size: int, shares: RunningShares[Topic], topic: Topic, *, rule: GroupRule) -> int:
    """The number nearest to the topic's fair share that makes whole groups now and leaves whole ones."""
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
    """The batch's units in order: no topic next to itself while another is left, passages anywhere between."""
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
    """Most numerous first, so that the rare ones are still there to part them; chance decides between equals."""
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
    """As few groups as hold `number` slots, of sizes as equal as whole numbers allow."""
    groups = -(-number // largest)
    return [number // groups + (place < number % groups) for place in range(groups)]
