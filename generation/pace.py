"""When the next batch must begin, so that a student who reads at this pace does not wait for it.

Pure functions of given times, without a clock or a store. The plan's threshold is the latest point; for a
fast student the batch begins earlier, or in several lanes. Nothing makes it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from generation.model import Batch, Urgency
from generation.plan import batch_at, prefetch_target

#: Seconds per question below which a student pages through without reading: no sample of the pace.
PAGING_S = 1.0
#: Seconds per question above which the student has paused: no sample of the pace.
PAUSE_S = 180.0
#: The pace is taken from the RECENT latest questions, and is unknown with fewer than ENOUGH.
RECENT = 5
ENOUGH = 3
#: Safety margins, as shares of the measured duration, because a pace varies. A batch begins MARGIN earlier; with
#: less than NARROW_MARGIN left it is written in lanes.
MARGIN = 0.6
NARROW_MARGIN = 0.25


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """How far a student has come, and the time they spent on each of the latest questions."""

    furthest: int | None = None  #: the furthest position so far
    recent_s: tuple[float, ...] = ()  #: seconds per question, the latest last

    def moved_to(self, position: int, after_s: float | None) -> ReadingProgress:
        """The progress when the student reaches `position`, `after_s` seconds after they reached `furthest`.

        Looking back changes nothing: its time counts for the question at `furthest`. Pauses and paging are no
        samples.
        """
        if self.furthest is None or after_s is None:
            return ReadingProgress(position, self.recent_s)
        if position <= self.furthest:
            return self
        a_question_s = after_s / (position - self.furthest)
        if not PAGING_S <= a_question_s <= PAUSE_S:
            return ReadingProgress(position, self.recent_s)
        return ReadingProgress(position, (*self.recent_s, a_question_s)[-RECENT:])

    @property
    def pace_s(self) -> float | None:
        """The median of `recent_s` in seconds per question, or None with fewer than ENOUGH."""
        return median(self.recent_s) if len(self.recent_s) >= ENOUGH else None


def is_plausible(position: int, *, read_to: int, after_s: float, reading_s: float) -> bool:
    """Whether a student can have read on to `position`, `after_s` seconds after they had read to `read_to`.

    `reading_s`: the seconds that a question takes at least.
    """
    return (position - read_to) * reading_s <= after_s


@dataclass(frozen=True, slots=True)
class GenerationTimes:
    """Seconds from the request for a batch until it is ready; the p95 of recent batches."""

    one_lane_s: float
    lanes_s: float

    def in_lanes_s(self, batch: Batch) -> float:
        """The duration of this batch in lanes, of which the longest writes the batch's bundle.

        Each further question in a call adds the same time, so the result lies between lanes_s and one_lane_s.
        """
        share = (batch.bundle - 1) / max(1, batch.size - 1)
        return self.lanes_s + share * max(0.0, self.one_lane_s - self.lanes_s)


@dataclass(frozen=True, slots=True)
class Due:
    """A batch to request now. INTERACTIVE: one lane would be too slow for the student, so it needs several."""

    batch_index: int
    urgency: Urgency


def next_due(
    batches: Sequence[Batch],
    position: int,
    *,
    threshold: float,
    generated: int,
    pace_s: float | None,
    times: GenerationTimes,
) -> Due | None:
    """The batch to request when the student reaches `position`: the one after their current batch, or None.

    `generated` is the number of published batches, `threshold` the plan's. Without a pace only the threshold
    decides. With a pace the batch is due at the last question at which one lane, or else several, are still in
    time, and at the threshold at the latest. Raises PlanError for a position outside the session.
    """
    current = batch_at(batches, position)
    index = current.index + 1
    if index == len(batches):
        return None
    is_at_threshold = prefetch_target(batches, position, threshold) is not None
    if pace_s is None:
        return Due(index, Urgency.PREFETCH) if is_at_threshold else None
    left = current.stop - position  # questions until the student reaches it, the current one included
    is_hurried = left * pace_s < times.one_lane_s * (1 + NARROW_MARGIN)
    needed_s = (times.in_lanes_s(batches[index]) if is_hurried else times.one_lane_s) * (1 + MARGIN)
    # The next report comes one question later, so a batch that would be late by then is due now.
    is_due = (left - 1) * pace_s < needed_s
    if not (is_due or is_at_threshold):
        return None
    # Several lanes only for the next unpublished batch: the student's current batch comes first.
    return Due(index, Urgency.INTERACTIVE if is_hurried and index == generated else Urgency.PREFETCH)
