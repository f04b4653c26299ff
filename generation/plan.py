"""Plans an exam or a practice session once, before any question is written.

The plan depends only on the catalogue's data and a seed: the same two give the same plan, byte for byte.
This module also defines at which position the next batch is due (D4: by the batch's own size, never by tens).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from math import floor
from random import Random

from generation.apportion import RunningShares, apportion_by_weight
from generation.catalogue import Catalogue, load_catalogue
from generation.errors import PlanError
from generation.figure_plan import WEB_APP_FIGURES, FigureChoice
from generation.layout import GroupRule, lay_out, topics_per_batch
from generation.model import (
    Batch,
    Difficulty,
    Plan,
    PracticeChoice,
    Section,
    SessionKind,
    Slot,
    Topic,
    Track,
)
from generation.slot_assignment import SlotAssignment


def plan_exam(track: Track, *, batch_size: int, seed: int, figures: FigureChoice = WEB_APP_FIGURES) -> Plan:
    """The plan of a whole exam: each batch of one section, quantitative first, a section's smaller batch last.

    Topic shares are exact over each section, and so are the types of each topic; figures have their own share.
    If the data has a fixed difficulty mix for a batch's size, the batch gets it, and the exam's mix is the sum of
    these (exactly the shares with batches of ten, but not with batches of five). Without a fixed mix, the batch
    gets the mix that makes the exam's shares exact.
    Raises PlanError.
    """
    catalogue = load_catalogue()
    totals = catalogue.exam[track]
    batches = _batches([(section, totals.get(section, 0)) for section in Section], batch_size)
    weights = {topic: data.weight for topic, data in catalogue.topics.items()}
    rule = _group_rule(catalogue, may_be_smaller=False)
    slots = _slots(
        catalogue,
        track,
        batches=batches,
        mixes=_exam_mixes(catalogue, batches),
        weights=weights,
        rule=rule,
        figures=figures,
        seed=seed,
    )
    return Plan(SessionKind.EXAM, catalogue.version, seed, track, with_bundles(batches, slots), slots)


def plan_practice(
    choice: PracticeChoice,
    *,
    track: Track,
    batch_size: int,
    seed: int,
    figures: FigureChoice = WEB_APP_FIGURES,
) -> Plan:
    """The plan of a practice session: the chosen difficulty, the chosen topics in equal shares.

    A passage may have fewer questions than in an exam, if the session or the batch is too small for more.
    Raises PlanError for an invalid choice.
    """
    catalogue = load_catalogue()
    _check(choice, catalogue)
    batches = _batches([(choice.section, choice.question_count)], batch_size)
    mixes = [{choice.difficulty: batch.size} for batch in batches]
    weights = dict.fromkeys(choice.topics, 1)
    rule = _group_rule(catalogue, may_be_smaller=True)
    slots = _slots(
        catalogue,
        track,
        batches=batches,
        mixes=mixes,
        weights=weights,
        rule=rule,
        figures=figures,
        seed=seed,
    )
    return Plan(
        SessionKind.PRACTICE, catalogue.version, seed, track, with_bundles(batches, slots), slots, choice
    )


def plan_rest(
    track: Track,
    batches: Sequence[Batch],
    *,
    seed: int,
    choice: PracticeChoice | None = None,
) -> tuple[Slot, ...]:
    """The slots of these batches only, of a session whose earlier questions are written.

    Batches of one section follow each other; two of them may share an index. The web app's own pages began the
    session, so it asks only for figures that they draw. Raises PlanError.
    """
    catalogue = load_catalogue()
    if choice is None:
        mixes = _exam_mixes(catalogue, batches)
        weights = {topic: data.weight for topic, data in catalogue.topics.items()}
    else:
        mixes = [{choice.difficulty: batch.size} for batch in batches]
        weights = dict.fromkeys(choice.topics, 1)
    rule = _group_rule(catalogue, may_be_smaller=True)
    return _slots(
        catalogue,
        track,
        batches=batches,
        mixes=mixes,
        weights=weights,
        rule=rule,
        figures=WEB_APP_FIGURES,
        seed=seed,
    )


def with_bundles(batches: Sequence[Batch], slots: Sequence[Slot]) -> tuple[Batch, ...]:
    """The batches, each with the most of its slots that share a passage."""
    sharing = Counter(
        (slot.batch_index, slot.passage_group) for slot in slots if slot.passage_group is not None
    )
    largest = dict.fromkeys((batch.index for batch in batches), 1)
    for (batch_index, _), size in sharing.items():
        largest[batch_index] = max(largest[batch_index], size)
    return tuple(replace(batch, bundle=largest[batch.index]) for batch in batches)


def exam_quota(track: Track) -> Mapping[Section, int]:
    """How many questions of each section a whole exam has."""
    return load_catalogue().exam[track]


def batch_at(batches: Sequence[Batch], position: int) -> Batch:
    """The batch that holds this position. Raises PlanError for a position outside the session."""
    for batch in batches:
        if batch.start <= position < batch.stop:
            return batch
    raise PlanError("There is no such question in this session.", position=position)


def prefetch_position(batch: Batch, threshold: float) -> int:
    """The position at which the batch after this one becomes due; at the latest the last one of this batch."""
    exact = Fraction(repr(threshold))  # 0.7 means exactly 7/10, not the nearest float
    return batch.start + min(floor(exact * batch.size), batch.size - 1)


def prefetch_target(batches: Sequence[Batch], position: int, threshold: float) -> int | None:
    """The index of the batch that is due at this position, or None. Raises PlanError as batch_at does."""
    current = batch_at(batches, position)
    if position < prefetch_position(current, threshold) or current.index + 1 == len(batches):
        return None
    return current.index + 1


def _check(choice: PracticeChoice, catalogue: Catalogue) -> None:
    most = catalogue.practice.max_questions
    if not 1 <= choice.question_count <= most:
        raise PlanError(f"Choose between 1 and {most} questions.", question_count=choice.question_count)
    if not choice.topics or len(set(choice.topics)) < len(choice.topics):
        raise PlanError("Choose at least one topic, and each only once.")
    if foreign := [topic.value for topic in choice.topics if topic.section is not choice.section]:
        raise PlanError("Choose topics of the chosen section.", section=choice.section.value, topics=foreign)


def _batches(sections: Iterable[tuple[Section, int]], size: int) -> tuple[Batch, ...]:
    if size < 1:
        raise PlanError("A batch has at least one question.", batch_size=size)
    batches: list[Batch] = []
    start = 0
    for section, total in sections:
        for offset in range(0, total, size):
            batches.append(Batch(len(batches), section, start + offset, min(size, total - offset)))
        start += total
    return tuple(batches)


def _exam_mixes(catalogue: Catalogue, batches: Sequence[Batch]) -> list[dict[Difficulty, int]]:
    data = catalogue.difficulty
    ties_to_medium = {
        level: data.shares[level] for level in (Difficulty.MEDIUM, Difficulty.EASY, Difficulty.HARD)
    }
    shares = RunningShares(apportion_by_weight(ties_to_medium, sum(batch.size for batch in batches)))
    return [
        shares.take(data.fixed_mixes[batch.size])
        if batch.size in data.fixed_mixes
        else shares.assign(batch.size)
        for batch in batches
    ]


def _group_rule(catalogue: Catalogue, *, may_be_smaller: bool) -> GroupRule:
    group = catalogue.passage_group
    return GroupRule(group.smallest, group.largest, may_be_smaller)


def _slots(
    catalogue: Catalogue,
    track: Track,
    *,
    batches: Sequence[Batch],
    mixes: Sequence[Mapping[Difficulty, int]],
    weights: Mapping[Topic, int],
    rule: GroupRule,
    figures: FigureChoice,
    seed: int,
) -> tuple[Slot, ...]:
    rng = Random(seed)  # noqa: S311 - a plan must be repeatable, not secret
    with_passages = frozenset(topic for topic in weights if catalogue.topics[topic].shares_passages)
    counts: list[dict[Topic, int]] = []
    for section, group in groupby(batches, key=lambda batch: batch.section):
        wanted = {topic: weight for topic, weight in weights.items() if topic.section is section}
        sizes = [batch.size for batch in group]
        counts += topics_per_batch(sizes, wanted, with_passages=with_passages, rule=rule)
    totals = sum((Counter(portion) for portion in counts), Counter())
    assignment = SlotAssignment(catalogue, track, topic_totals=totals, figures=figures, rng=rng)
    slots: list[Slot] = []
    for batch, portion, mix in zip(batches, counts, mixes, strict=True):
        units = lay_out(portion, with_passages=with_passages, rule=rule, rng=rng)
        slots += assignment.assign(batch, units, mix)
    return tuple(slots)
