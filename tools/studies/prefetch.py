"""Prefetch, fixed at 70 % and ours, over populations of students: who waits, and what is written for nobody.

An event simulation of one exam at a time that makes its decisions with the very functions of production;
generation times are the simulator's at real speed, answer checks included, and p95 is learnt from the
generations before, as there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from db.progress import ENOUGH, LATEST, LONGEST_S, USUAL
from generation.model import Plan, Track, Urgency
from generation.pace import Due, GenerationTimes, ReadingProgress, next_due
from generation.plan import plan_exam
from tools.bench.figures import share
from tools.studies.model_times import arrivals_s, check_s
from tools.studies.populations import POPULATIONS, Population, Student, student

LANES = 10
THRESHOLD = 0.7
POLICIES = ("fixed 70 %", "ours")


class Times:
    """What the last generations took, as the database would say."""

    def __init__(self) -> None:
        self._took: dict[Urgency, deque[float]] = {
            urgency: deque(maxlen=LATEST // len(Urgency)) for urgency in Urgency
        }
        self.now = USUAL

    def note(self, urgency: Urgency, took_s: float) -> None:
        self._took[urgency].append(took_s)
        self.now = GenerationTimes(
            one_lane_s=_p95(self._took[Urgency.PREFETCH], USUAL.one_lane_s),
            lanes_s=_p95(self._took[Urgency.INTERACTIVE], USUAL.lanes_s),
        )


@dataclass
class Outcome:
    advances: int = 0  #: into a batch after the first
    ready: int = 0  #: of these, found it complete
    stalls_s: list[float] = field(default_factory=list)  #: waits for a question, of those that had to
    wasted: list[int] = field(default_factory=list)  #: a student: questions written and never seen
    calls: int = 0
    ahead: int = 0  #: most batches ever ahead of the student's own


class ExamSession:
    """One exam: what is wanted when, and when each question is there."""

    def __init__(self, plan: Plan, times: Times, *, adaptive: bool, rng: Random) -> None:
        self._plan = plan
        self._times = times
        self._adaptive = adaptive
        self._rng = rng
        self._there: dict[int, float] = {}
        self._written: dict[int, float] = {}
        self._ready: dict[int, float] = {}
        self._progress, self._moved_s = ReadingProgress(), 0.0
        self.calls = 0
        self.want(Due(0, Urgency.INTERACTIVE), 0.0)

    def want(self, due: Due, now_s: float) -> None:
        if due.batch_index in self._ready:
            return
        batch = self._plan.batches[due.batch_index]
        slots = self._plan.slots[batch.start : batch.stop]
        hurried = due.urgency is Urgency.INTERACTIVE
        offsets = arrivals_s(slots, LANES if hurried else 1, self._rng)
        self.calls += LANES if hurried else 1
        self._there |= {position: now_s + offset for position, offset in offsets.items()}
        written_s = max(offsets.values())
        took_s = written_s + (0 if hurried else check_s(batch.size, self._rng))
        self._written[due.batch_index] = now_s + written_s
        self._ready[due.batch_index] = now_s + took_s
        self._times.note(due.urgency, took_s)

    def run(self, who: Student, outcome: Outcome) -> None:
        now_s = 0.0
        for position, look_s in enumerate(who.looks_s):
            now_s = self._arrive(position, now_s, outcome)
            self._report(position, now_s)
            now_s += look_s
        outcome.wasted.append(sum(position > who.last for position in self._there))
        outcome.calls += self.calls

    def _arrive(self, position: int, now_s: float, outcome: Outcome) -> float:
        batch = next(b for b in self._plan.batches if b.start <= position < b.stop)
        if batch.index > 0 and position == batch.start:
            outcome.advances += 1
            outcome.ready += self._ready.get(batch.index, float("inf")) <= now_s
            self.want(Due(batch.index, Urgency.INTERACTIVE), now_s)  # as the web app asks for it
        if position == batch.stop - 1:
            self._come_near(batch.index + 1, now_s)
        outcome.ahead = max(outcome.ahead, len(self._ready) - 1 - batch.index)
        there_s = self._there[position]
        if there_s > now_s and position > 0:
            outcome.stalls_s.append(there_s - now_s)
        return max(now_s, there_s)

    def _come_near(self, batch_index: int, now_s: float) -> None:
        """What is still being written when its student is at the question before it is not checked."""
        if self._written.get(batch_index, 0.0) > now_s:
            self._ready[batch_index] = self._written[batch_index]

    def _report(self, position: int, now_s: float) -> None:
        self._progress, self._moved_s = self._progress.moved_to(position, now_s - self._moved_s), now_s
        generated = 0
        while self._ready.get(generated, float("inf")) <= now_s:
            generated += 1
        due = next_due(
            self._plan.batches,
            position,
            threshold=THRESHOLD,
            generated=generated,
            pace_s=self._progress.pace_s if self._adaptive else None,
            times=self._times.now,
        )
        if due is not None and due.batch_index <= generated + 1:
            self.want(due, now_s)


def prefetch(
    students: int, *, seed: int, populations: Sequence[Population] = POPULATIONS
) -> list[dict[str, Any]]:
    """A row a population and policy; both policies meet the same students."""
    plans = [plan_exam(track, batch_size=10, seed=n) for n in range(4) for track in Track]
    return [
        _row(population, policy, _outcome(population, policy, plans, students=students, seed=seed))
        for population in populations
        for policy in POLICIES
    ]


def _outcome(
    population: Population, policy: str, plans: Sequence[Plan], *, students: int, seed: int
) -> Outcome:
    outcome, times = Outcome(), Times()
    for number in range(students):
        plan = plans[number % len(plans)]
        who = student(population, len(plan.slots), Random(f"{seed}:{population.name}:{number}"))
        exam_session = ExamSession(
            plan, times, adaptive=policy == "ours", rng=Random(f"{seed}:times:{population.name}:{number}")
        )
        exam_session.run(who, outcome)
    return outcome


def _row(population: Population, policy: str, outcome: Outcome) -> dict[str, Any]:
    stalls = outcome.stalls_s or [0.0]
    return {
        "students": population.name,
        "prefetch": policy,
        "exams": len(outcome.wasted),
        "ready_percent": 100 * outcome.ready / outcome.advances,
        "stalls_an_exam": len(outcome.stalls_s) / len(outcome.wasted),
        "stalled_s_an_exam": sum(outcome.stalls_s) / len(outcome.wasted),
        "stall_p95_s": share(stalls, 0.95),
        "wasted_an_exam": sum(outcome.wasted) / len(outcome.wasted),
        "wasted_most": max(outcome.wasted),
        "calls_an_exam": outcome.calls / len(outcome.wasted),
        "most_ahead": outcome.ahead,
    }


def _p95(took: Sequence[float], usual: float) -> float:
    return min(share(took, 0.95), LONGEST_S) if len(took) >= ENOUGH else usual
