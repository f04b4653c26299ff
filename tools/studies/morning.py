"""An exam morning: thousands of students arrive within an hour, and the model's rate limit is the road they share.

An event simulation with production's own decisions about prefetch. Calls wait, first batches before
prefetches, for room among the allowed streams; the limits of a tier are turned into streams. It answers
what one machine and one key hold, and what gives way first when more come.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any

from generation.model import Batch, Section, Urgency
from generation.pace import RECENT, GenerationTimes, next_due
from tools.bench.figures import share
from tools.studies.model_times import TOKENS, TOKENS_PER_S, TTFT_S
from tools.studies.populations import POPULATIONS, student

_OUTPUT = TOKENS[False][0]
_LANES = 10
_SIZE, _QUESTIONS = 10, 96
_THRESHOLD = 0.7
#: What a quiet system measures: a batch in one call, and in lanes.
_TIMES = GenerationTimes(one_lane_s=33, lanes_s=6)
_PLAN = [
    Batch(start // _SIZE, Section.QUANTITATIVE, start, min(_SIZE, _QUESTIONS - start))
    for start in range(0, _QUESTIONS, _SIZE)
]


@dataclass(frozen=True, slots=True)
class Morning:
    students: int
    within_s: float  #: all arrive in this time, evenly spread but random
    streams: int  #: calls that may run at the same time


@dataclass
class Road:
    """Calls in progress, and those that wait: for a student who waits, and for one who will."""

    free: int
    first: deque[Callable[[float], None]] = field(default_factory=deque)
    later: deque[Callable[[float], None]] = field(default_factory=deque)

    def next(self) -> Callable[[float], None] | None:
        queue = self.first or self.later
        return queue.popleft() if queue else None


def mornings(counts: list[tuple[int, int]], *, within_s: float = 3600, seed: int) -> list[dict[str, Any]]:
    """A row a morning: (students, streams)."""
    return [_Simulation(Morning(count, within_s, streams), seed).run() for count, streams in counts]


class _Simulation:
    def __init__(self, morning: Morning, seed: int) -> None:
        self._morning = morning
        self._rng = Random(seed)
        self._road = Road(morning.streams)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._first_s: list[float] = []
        self._stalls: list[float] = []
        self._advances = 0
        self._streams = self._peak = 0
        self._peak_waiting = 0
        self._calls = 0

    def run(self) -> dict[str, Any]:
        for _ in range(self._morning.students):
            self._at(self._rng.uniform(0, self._morning.within_s), self._arrive)
        now_s = 0.0
        while self._events:
            now_s, _, happen = heapq.heappop(self._events)
            happen(now_s)
        return {
            "students_an_hour": self._morning.students,
            "streams_allowed": self._morning.streams,
            "streams_at_peak": self._peak,
            "calls_waiting_at_peak": self._peak_waiting,
            "first_question_median_s": share(self._first_s, 0.5),
            "first_question_p95_s": share(self._first_s, 0.95),
            "stalled_advances_percent": 100 * sum(s > 0 for s in self._stalls) / max(1, self._advances),
            "stall_p95_s": share([s for s in self._stalls if s > 0] or [0.0], 0.95),
            "calls": self._calls,
            "output_tokens_a_minute_at_peak": round(self._peak * TOKENS_PER_S * 60),
        }

    def _at(self, when_s: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), happen))

    def _arrive(self, now_s: float) -> None:
        walk = _walk(student(POPULATIONS[-1], _QUESTIONS, self._rng).looks_s)
        exam_session = _Exam(self, walk, began_s=now_s)
        exam_session.want(0, now_s)

    def call(
        self, now_s: float, *, questions: int, waits: bool, done: Callable[[float, float], None]
    ) -> None:
        """Begin a call when there is room; `done` hears when its first and its last question are there."""

        def begin(at_s: float) -> None:
            self._streams += 1
            self._road.free -= 1
            self._calls += 1
            self._peak = max(self._peak, self._streams)
            speed = TOKENS_PER_S * self._rng.lognormvariate(0, 0.15)
            first_s = at_s + TTFT_S + _OUTPUT / speed
            end_s = at_s + TTFT_S + questions * _OUTPUT / speed
            self._at(end_s, lambda ended_s: self._end(ended_s, lambda: done(first_s, ended_s)))

        if self._road.free > 0:
            begin(now_s)
        else:
            (self._road.first if waits else self._road.later).append(begin)
            self._peak_waiting = max(self._peak_waiting, len(self._road.first) + len(self._road.later))

    def _end(self, now_s: float, done: Callable[[], None]) -> None:
        self._streams -= 1
        self._road.free += 1
        done()
        waiting = self._road.next()
        if waiting is not None:
            waiting(now_s)

    def note_first(self, waited_s: float) -> None:
        self._first_s.append(waited_s)

    def note_advance(self, stalled_s: float) -> None:
        self._advances += 1
        self._stalls.append(stalled_s)

    def later(self, when_s: float, happen: Callable[[float], None]) -> None:
        self._at(when_s, happen)


class _Exam:
    """One student: their batches, one ahead of them at most."""

    def __init__(self, world: _Simulation, batches: Iterator[list[float]], *, began_s: float) -> None:
        self._world = world
        self._looks = list(batches)
        self._began_s = began_s
        self._ready: dict[int, float] = {}
        self._arrived: dict[int, float] = {}
        self._wanted: set[int] = set()

    def want(self, batch: int, now_s: float, urgency: Urgency = Urgency.INTERACTIVE) -> None:
        if batch in self._wanted or batch >= len(self._looks):
            return
        self._wanted.add(batch)
        hurried = urgency is Urgency.INTERACTIVE
        lanes = min(_LANES, len(self._looks[batch])) if hurried else 1
        questions = len(self._looks[batch]) // lanes
        left = [lanes]
        firsts: list[float] = []

        def done(first_s: float, ended_s: float) -> None:
            firsts.append(first_s)
            left[0] -= 1
            if left[0] == 0:
                self._complete(batch, min(firsts), ended_s)

        for _ in range(lanes):
            self._world.call(now_s, questions=questions, waits=hurried, done=done)

    def _complete(self, batch: int, first_s: float, now_s: float) -> None:
        self._ready[batch] = now_s
        if batch == 0:
            self._world.note_first(first_s - self._began_s)
            self._read(0, now_s)
        elif batch in self._arrived:
            self._world.note_advance(now_s - self._arrived[batch])
            self._read(batch, now_s)

    def _read(self, batch: int, now_s: float) -> None:
        looks = self._looks[batch]
        begins = self._when_due(batch)
        if begins is not None:
            place, urgency = begins
            due_s = now_s + sum(looks[:place])
            self._world.later(due_s, lambda at_s: self.want(batch + 1, at_s, urgency))
        self._world.later(now_s + sum(looks), lambda at_s: self._come_to(batch + 1, at_s))

    def _when_due(self, batch: int) -> tuple[int, Urgency] | None:
        """The place in this batch at which the next one is wanted, and how."""
        before = [look_s for looks in self._looks[:batch] for look_s in looks]
        for place in range(len(self._looks[batch])):
            recent = (before + self._looks[batch][:place])[-RECENT:]
            due = next_due(
                _PLAN[: len(self._looks)],
                batch * _SIZE + place,
                threshold=_THRESHOLD,
                generated=batch + 1,
                pace_s=median(recent) if len(recent) == RECENT else None,
                times=_TIMES,
            )
            if due is not None:
                return place, due.urgency
        return None

    def _come_to(self, batch: int, now_s: float) -> None:
        if batch >= len(self._looks):
            return
        self._arrived[batch] = now_s
        if batch in self._ready:
            self._world.note_advance(0.0)
            self._read(batch, now_s)


def _walk(looks_s: tuple[float, ...]) -> Iterator[list[float]]:
    for start in range(0, len(looks_s), _SIZE):
        yield list(looks_s[start : start + _SIZE])
