"""python -m tools.studies.doubt: how many wrong keys reach a student unmarked, on the real stack, and at what price.

The simulator's writer keys one question in ten wrongly. Its solver errs at stated rates at each look, names the
writer's wrong key in a stated share of these errors, and takes a stated share of the writer's mistakes for right at every look. Four kinds of students take sessions: one whose
batches are prefetched, one who asks for each batch themself, a skimmer, and one who practises five questions.
Counted are the elements of the web app's row when all is checked, and what was replaced before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2

from tools.bench.figures import table
from tools.bench.stage import CHECKED, Stage, on_stage

WRITER_WRONG = 0.1
#: (solver wrong at each look, share of these errors that name the writer's wrong key, share of the writer's mistakes
#: that the solver makes at every look, share of the writer's mistakes whose declared expression is as wrong)
SCENARIOS = (
    (0.0, 0.35, 0.0, 0.0),
    (0.1, 0.35, 0.0, 0.0),
    (0.25, 0.35, 0.0, 0.0),
    (0.0, 0.35, 0.35, 0.0),
    (0.1, 0.35, 0.35, 0.0),
    (0.25, 0.35, 0.35, 0.0),
    (0.1, 0.35, 0.35, 0.35),
    (1.0, 0.25, 0.0, 0.0),
)
_RATES = ("wrong_dispute_rate", "same_error_rate", "shared_mistake_rate", "mistaken_declared_rate")
_BATCHES = 10
_WITHIN_S = 240.0
_POLL_S = 0.3
_PRACTICE = {"categories": ["algebra"], "difficulty": "medium", "questionCount": 5, "section": "quantitative"}

#: Every question that another replaced, as it was.
_WATCH = """
    CREATE TABLE IF NOT EXISTS generation.study_replaced (session_id uuid, content jsonb);
    CREATE OR REPLACE FUNCTION generation.study_note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO generation.study_replaced VALUES (OLD.session_id, OLD.content); RETURN NEW; END';
    CREATE OR REPLACE TRIGGER study_note AFTER UPDATE OF fingerprint ON generation.questions FOR EACH ROW
    WHEN (OLD.fingerprint IS DISTINCT FROM NEW.fingerprint) EXECUTE FUNCTION generation.study_note();
"""

_ROWS = """
    SELECT q FROM exam_sessions, jsonb_array_elements(questions) q WHERE id = ANY(%s::uuid[])
    UNION ALL SELECT q FROM practice_sessions, jsonb_array_elements(questions) q WHERE id = ANY(%s::uuid[])
"""

#: What was written after the first check of a batch was written because of it.
_COSTS = """
    WITH first_check AS (SELECT session_id, batch_index, min(opened_at) AS at FROM generation.attempts
                         WHERE purpose = 'solve' GROUP BY 1, 2)
    SELECT coalesce(sum(cost_microdollars), 0) / 1e6,
           coalesce(sum(cost_microdollars) FILTER (WHERE purpose = 'solve'), 0) / 1e6,
           coalesce(sum(cost_microdollars) FILTER (WHERE purpose = 'write' AND opened_at > at), 0) / 1e6
    FROM generation.attempts LEFT JOIN first_check USING (session_id, batch_index) WHERE session_id = ANY(%s::uuid[])
"""

#: From the start of a batch's first check to its publication, of batches that were checked before.
_WAITS = """
    SELECT extract(epoch FROM b.ready_at - min(a.opened_at)) FROM generation.batches b
    JOIN generation.attempts a USING (session_id, batch_index)
    WHERE a.purpose = 'solve' AND a.opened_at < b.ready_at AND b.session_id = ANY(%s::uuid[])
    GROUP BY b.session_id, b.batch_index, b.ready_at ORDER BY 1
"""


@dataclass
class Counts:
    """Of the questions of one kind of student in one scenario."""

    kind: str
    solver_wrong: float
    same_error: float
    shared: float
    mistaken_declared: float
    sessions: int = 0
    questions: int = 0
    wrong: int = 0  #: keys in the row
    wrong_graded: int = 0  #: of these, not marked
    right_marked: int = 0
    right_replaced: int = 0
    wrong_replaced: int = 0
    unchecked: int = 0
    dollars: float = 0.0
    checks_dollars: float = 0.0
    rewrites_dollars: float = 0.0
    check_wait_s: float = 0.0  #: median, in simulated seconds
    unfinished: list[str] = field(default_factory=list)


class Student:
    """The calls of one student."""

    def __init__(self, api_url: str, kind: str) -> None:
        self._url = f"{api_url}/api/{kind}"
        self._http = httpx2.Client(headers={"X-User-Id": str(uuid4())}, timeout=_WITHIN_S)
        self.session_id = ""

    def begin(self, body: Mapping[str, Any]) -> int:
        """The number of questions that there will be."""
        session = self._http.post(self._url, json=body).raise_for_status().json()
        self.session_id = session["id"]
        return int(session["totalQuestions"])

    def reach(self, position: int) -> None:
        self._http.post(f"{self._url}/{self.session_id}/progress", json={"questionIndex": position})

    def ask(self, batch_index: int) -> int:
        body = {"batchIndex": batch_index}
        return self._http.post(
            f"{self._url}/{self.session_id}/questions", json=body, headers={"Prefer": "wait=30"}
        ).status_code

    def session(self) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get(f"{self._url}/{self.session_id}").raise_for_status().json()
        return found


def prefetched(student: Student, track: str) -> None:
    """Goes on only when the next batch is there."""
    total = student.begin({"track": track})
    _until(lambda: _loaded(student) >= 1)
    while (there := _published(student, total)) < total:
        student.reach(there - 3)
        _until(lambda there=there: _published(student, total) > there)  # type: ignore[misc]


def asking(student: Student, track: str) -> None:
    student.begin({"track": track})
    for batch_index in range(_BATCHES):
        _until(lambda batch_index=batch_index: student.ask(batch_index) == httpx2.codes.OK)  # type: ignore[misc]


def skimming(student: Student, track: str) -> None:
    """Is always at the last question that there is."""
    total = student.begin({"track": track})

    def is_over() -> bool:
        there = _loaded(student)
        if there:
            student.reach(there - 1)
        return there >= total and student.session()["generatedBatches"] == _BATCHES

    _until(is_over)


def practising(student: Student, _track: str) -> None:
    student.begin(_PRACTICE)
    _until(lambda: student.session()["generatedBatches"] == 1)


KINDS: dict[str, Callable[[Student, str], None]] = {
    "prefetched": prefetched,
    "asking": asking,
    "skimming": skimming,
    "practice of 5": practising,
}


def _loaded(student: Student) -> int:
    return len(student.session()["questions"])


def _published(student: Student, total: int) -> int:
    """How many questions the published batches have: the shape of both tracks is public."""
    session = student.session()
    done = session["generatedBatches"]
    batches = {int(question["id"].split("_")[1]) for question in session["questions"]}
    if done == len(batches) and len(session["questions"]) == total:
        return total
    return sum(int(question["id"].split("_")[1]) < done for question in session["questions"])


def _until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not is_done():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_POLL_S)


def is_wrongly_keyed(content: Mapping[str, Any]) -> bool:
    """The simulator ends the explanation of a right key in these words, and that of a wrong one in others."""
    key = content["choices"][content["answerIndex"]]
    return not content["explanation"].endswith(f"إذن الجواب: {key}.")


def take(stage: Stage, kind: str, sessions: int, counts: Counts) -> list[str]:
    """The ids of the sessions, taken at the same time, half of them on each track."""

    def one(number: int) -> str:
        student = Student(stage.stack.api_url, "practice" if kind == "practice of 5" else "exams")
        try:
            KINDS[kind](student, ("scientific", "literary")[number % 2])
        except (TimeoutError, httpx2.HTTPError) as err:
            counts.unfinished.append(f"{student.session_id}: {type(err).__name__}")
        return student.session_id or str(UUID(int=0))

    with ThreadPoolExecutor(sessions) as pool:
        return list(pool.map(one, range(sessions)))


def measure(stage: Stage, counts: Counts, ids: Sequence[str], speed: float) -> None:
    """Fill the counts when every question is checked, or when no check is due any more."""

    def is_checked() -> bool:
        due = "SELECT count(*) FROM generation.batches WHERE check_due IS NOT NULL AND session_id = ANY(%s::uuid[])"
        return bool(stage.query(due, list(ids))[0][0] == 0)

    _until(is_checked)
    published = [content for (content,) in stage.query(_ROWS, list(ids), list(ids))]
    replaced = stage.query(
        "SELECT content FROM generation.study_replaced WHERE session_id = ANY(%s::uuid[])", list(ids)
    )
    wrong = [content for content in published if is_wrongly_keyed(content)]
    counts.sessions, counts.questions, counts.wrong = len(ids), len(published), len(wrong)
    counts.wrong_graded = sum(content["graded"] for content in wrong)
    counts.right_marked = (
        sum(not content["graded"] for content in published) - len(wrong) + counts.wrong_graded
    )
    counts.wrong_replaced = sum(is_wrongly_keyed(content) for (content,) in replaced)
    counts.right_replaced = len(replaced) - counts.wrong_replaced
    counts.unchecked = sum(content["check"]["verdict"] == "unchecked" for content in published)
    costs = map(float, stage.query(_COSTS, list(ids))[0])
    counts.dollars, counts.checks_dollars, counts.rewrites_dollars = (cost / len(ids) for cost in costs)
    waits = [float(seconds) * speed for (seconds,) in stage.query(_WAITS, list(ids))]
    counts.check_wait_s = waits[len(waits) // 2] if waits else 0.0


def main() -> int:
    arguments = _parser().parse_args()
    found: list[Counts] = []
    with (
        tempfile.TemporaryDirectory() as directory,
        on_stage(Path(directory), speed=arguments.speed, API_CALLS_PER_MINUTE="0", **CHECKED) as stage,
    ):
        stage.query(_WATCH)
        for rates in SCENARIOS:
            stage.simulator(
                "config", {"wrong_key_rate": WRITER_WRONG, **dict(zip(_RATES, rates, strict=True))}
            )
            for kind in KINDS:
                counts = Counts(kind, *rates)
                number = arguments.sessions * (10 if kind == "practice of 5" else 1)
                measure(stage, counts, take(stage, kind, number, counts), arguments.speed)
                found.append(counts)
                print(json.dumps(asdict(counts)), flush=True)
    print(table([asdict(counts) for counts in found]))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(counts) for counts in found], indent=1))
    return 1 if any(counts.unfinished for counts in found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.studies.doubt", description=__doc__)
    parser.add_argument(
        "--sessions", type=int, default=2, help="exams of each kind of student in each scenario"
    )
    parser.add_argument("--speed", type=float, default=50.0, help="of the simulator")
    parser.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
