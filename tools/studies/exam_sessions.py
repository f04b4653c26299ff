"""python -m tools.studies.exam_sessions: who waits, on the real stack, with the simulator at real speed.

Students take exams through the API at a pace of their own, uneven as in the simulation of prefetch, and it is
counted how often a batch was complete when its student came to it. What the simulation claims is checked here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from math import log
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from tools.bench.figures import share, summary, table
from tools.bench.stage import CHECKED, on_stage
from tools.demo.exam_session import ExamSession
from tools.demo.shape import exam_shape
from tools.demo.student import Student
from tools.studies.populations import SPREAD

#: The exams begin within so many seconds of each other, so that not all come to a batch at once.
_ARRIVE_WITHIN_S = 20.0
_BATCH_SIZE = 10


class _Nobody:
    """Watches no one."""

    def question_arrived(self, position: int, question: dict[str, Any], at_s: float, /) -> None: ...

    def batch_requested(self, index: int, at_s: float, /, *, ahead: bool) -> None: ...

    def batch_ready(self, index: int, at_s: float, /) -> None: ...

    def student_at(self, position: int, question: dict[str, Any], /) -> None: ...


class _Uneven(Student):
    """Looks at each question as long as chance says, with `pace_s` as the median."""

    def __init__(self, api_url: str, *, pace_s: float, rng: Random) -> None:
        super().__init__(api_url, _Nobody(), pace_s=pace_s)
        self._rng = rng
        user = {"X-User-Id": str(uuid4())}
        self._http.headers.update(user)
        self._events_http.headers.update(user)

    def _look(self) -> None:
        time.sleep(self._rng.lognormvariate(log(self._pace_s), SPREAD))


def main() -> int:
    arguments = _parser().parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        on_stage(Path(directory), speed=arguments.speed, **CHECKED) as stage,
    ):
        exam_sessions = _take_exams(stage.stack.api_url, arguments)
        calls = stage.query("SELECT count(*) FROM generation.attempts WHERE purpose = 'write'")[0][0]
    row = _row(exam_sessions, calls, arguments)
    print(table([row]))
    if arguments.json:
        arguments.json.write_text(json.dumps(row, indent=1))
    return 0 if len(exam_sessions) == arguments.students else 1


def _take_exams(api_url: str, arguments: argparse.Namespace) -> list[ExamSession]:
    """The exams that came to their end."""
    exam_sessions: list[ExamSession] = []

    def take(number: int) -> None:
        rng = Random(f"{arguments.seed}:{number}")
        time.sleep(rng.uniform(0, _ARRIVE_WITHIN_S))
        track = ("scientific", "literary")[number % 2]
        batches = exam_shape(track, _BATCH_SIZE)[: arguments.batches]
        exam_sessions.append(_Uneven(api_url, pace_s=arguments.pace_s, rng=rng).take_exam(track, batches))

    students = [threading.Thread(target=take, args=(number,)) for number in range(arguments.students)]
    for student in students:
        student.start()
    for student in students:
        student.join()
    return exam_sessions


def _row(exam_sessions: Sequence[ExamSession], calls: int, arguments: argparse.Namespace) -> dict[str, Any]:
    advances = [asked for exam_session in exam_sessions for asked in exam_session.asked.values()]
    late = [
        (index, exam_session.ready_s[index] - asked.at_s)
        for exam_session in exam_sessions
        for index, asked in exam_session.asked.items()
        if not asked.was_ready
    ]
    stalls = [
        seconds
        for exam_session in exam_sessions
        for position, seconds in exam_session.stalls_s.items()
        if position > 0
    ]
    return {
        "pace_s": arguments.pace_s,
        "exams": len(exam_sessions),
        "advances": len(advances),
        "ready_percent": 100 * sum(asked.was_ready for asked in advances) / len(advances),
        "late_s": [round(seconds, 2) for _, seconds in late],
        "late_by_batch": dict(sorted(Counter(index for index, _ in late).items())),
        "stalls_an_exam": len(stalls) / len(exam_sessions),
        "stall_p95_s": share(stalls, 0.95) if stalls else 0.0,
        "first_question_s": summary([min(exam_session.arrived_s.values()) for exam_session in exam_sessions])[
            "median"
        ],
        "calls_an_exam": calls / len(exam_sessions),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.studies.exam_sessions", description=__doc__)
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--pace-s", type=float, default=20.0, help="the median look at a question")
    parser.add_argument("--batches", type=int, default=10, help="after so many a student leaves")
    parser.add_argument("--speed", type=float, default=1.0, help="of the simulator")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
