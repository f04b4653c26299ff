"""When the next batch must be begun, so that the student who reads at this pace never waits for it.

Knows no clock and no store: it is given times and says what is due. The threshold of the plan is the
latest moment; a quick student makes it earlier, or makes it several lanes, and nothing makes it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from generation.model import Batch, Urgency
from generation.plan import batch_at, prefetch_target

#: Faster than this nobody reads: somebody pages through, or it is a machine. It says nothing of the pace.
PAGING_S = 1.0
#: Slower than this nobody reads either: the student has put the exam aside.
PAUSE_S = 180.0
#: How many of the latest questions the pace is taken from, and how few are too few.
RECENT = 5
ENOUGH = 3
#: What is added to the measured time of a generation, as a share of it, because nobody reads evenly: so much
#: earlier it begins, and below so little to spare it is written in lanes.
MARGIN = 0.6
NARROW_MARGIN = 0.25


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a student has come, and how long he looked at each of the latest questions."""

    furthest: int | None = None  #: the last position that was new to him
    recent_s: tuple[float, ...] = ()  #: seconds a question, the latest last

    def to(self, position: int, after_s: float | None) -> Walk:
        """The walk after he reached `position`, `after_s` seconds after he reached `furthest`.

        Looking back changes nothing, so that its time counts for the question it was taken from. Pauses
        and paging are no samples.
        """
        if self.furthest is None or after_s is None:
            return Walk(position, self.recent_s)
        if position <= self.furthest:
            return self
        a_question_s = after_s / (position - self.furthest)
        if not PAGING_S <= a_question_s <= PAUSE_S:
            return Walk(position, self.recent_s)
        return Walk(position, (*self.recent_s, a_question_s)[-RECENT:])

    @property
    def pace_s(self) -> float | None:
        """Seconds a question: the median of the latest, or None before there are enough of them."""
        return median(self.recent_s) if len(self.recent_s) >= ENOUGH else None


@dataclass(frozen=True, slots=True)
class GenerationTimes:
    """How long a batch takes from being wanted to being ready, in seconds; p95 of recent ones."""

    one_lane_s: float
    lanes_s: float

    def in_lanes_s(self, batch: Batch) -> float:
        """In several lanes, of which the longest writes the batch's bundle.

        Each question more in a call takes as long as any other, so it lies between one question and all.
        """
        share = (batch.bundle - 1) / max(1, batch.size - 1)
        return self.lanes_s + share * max(0.0, self.one_lane_s - self.lanes_s)


@dataclass(frozen=True, slots=True)
class Due:
    """A batch to want now. INTERACTIVE: one lane would be too late for him, so it is written in several."""

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
    """What must be wanted when the student reaches `position`, or None; only ever the batch after his own.

    `generated` batches are published. Without a pace it is the plan's threshold and nothing else. With one,
    it is the last question at which one lane is still in time, or else several are; at the threshold at the
    latest. Raises PlanError for a position outside the session.
    """
    current = batch_at(batches, position)
    index = current.index + 1
    if index == len(batches):
        return None
    is_at_threshold = prefetch_target(batches, position, threshold) is not None
    if pace_s is None:
        return Due(index, Urgency.PREFETCH) if is_at_threshold else None
    left = current.stop - position  # questions until he comes to it, the one before him included
    is_hurried = left * pace_s < times.one_lane_s * (1 + NARROW_MARGIN)
    needed_s = (times.in_lanes_s(batches[index]) if is_hurried else times.one_lane_s) * (1 + MARGIN)
    # The next report comes one question later: what would be too late then is due now.
    is_due = (left - 1) * pace_s < needed_s
    if not (is_due or is_at_threshold):
        return None
    # Several lanes only for the very next batch: while his own is being written, it comes first.
    return Due(index, Urgency.INTERACTIVE if is_hurried and index == generated else Urgency.PREFETCH)
