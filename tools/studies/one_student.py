"""What one student can make it spend, and what the others notice: four attacks, with the defaults and without limits.

`python -m tools.studies.one_student [--seconds 60] [--speed 50]` starts a stack for each column and prints a table.
The simulator writes `--speed` times as fast as the model; the reading time and the limits are the product's own.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import psycopg

from tools.bench.figures import share
from tools.stack.stack import MADE_UP_STUDENTS, Stack, StackOptions
from tools.stack.stack_settings import StackSettings

_AT_ONCE = {"Prefer": "respond-async"}
_QUESTIONS, _BATCHES = 96, 10
#: A neighbour opens a practice session so often, and waits for its questions.
_NEIGHBOUR_EVERY_S = 2.0
#: For runs that were begun to end, so that all that they cost is counted.
_SETTLE_S = 8.0


@dataclass
class Attacker:
    """One user who may call as fast as they can until the deadline."""

    url: str
    deadline: float
    user_id: UUID = field(default_factory=uuid4)
    answers: dict[int, int] = field(default_factory=dict)  #: how many, by status

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx2.Response:
        answer = httpx2.request(
            method,
            f"{self.url}/api/exams{path}",
            json=body,
            headers={**_AT_ONCE, "X-User-Id": str(self.user_id)},
            timeout=60,
        )
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
        return answer

    def exams(self) -> Iterator[str]:
        """New exams until the deadline; after a refusal it tries again in a moment."""
        while time.monotonic() < self.deadline:
            answer = self.call("POST", "", {"track": "scientific"})
            if answer.status_code == httpx2.codes.CREATED:
                yield answer.json()["id"]
            else:
                time.sleep(0.5)

    def until(self, is_done: Callable[[], bool]) -> None:
        while time.monotonic() < self.deadline and not is_done():
            time.sleep(0.05)


def reports_progress(attacker: Attacker) -> None:
    """Row H27: progress to the end of what is there, again and again, without one answer."""
    for exam in attacker.exams():

        def is_over(exam: str = exam) -> bool:
            there = len(attacker.call("GET", f"/{exam}").json().get("questions", []))
            if there:
                attacker.call("POST", f"/{exam}/progress", {"questionIndex": there - 1})
            return there == _QUESTIONS

        attacker.until(is_over)


def asks_for_everything(attacker: Attacker) -> None:
    """Asks for one batch after the other as soon as each is ready, exam after exam."""
    for exam in attacker.exams():
        for index in range(_BATCHES):

            def is_there(exam: str = exam, index: int = index) -> bool:
                answer = attacker.call("POST", f"/{exam}/questions", {"batchIndex": index})
                return answer.status_code == httpx2.codes.OK

            attacker.until(is_there)


def opens_and_cancels(attacker: Attacker) -> None:
    """Opens an exam, cancels it when its first question is there, and opens the next."""
    for exam in attacker.exams():
        attacker.until(lambda exam=exam: bool(attacker.call("GET", f"/{exam}").json().get("questions")))  # type: ignore[misc]
        attacker.call("POST", f"/{exam}/cancel")


def opens_sixty(attacker: Attacker) -> None:
    """Sixty exams at one instant."""
    with ThreadPoolExecutor(60) as pool:
        list(pool.map(lambda _: attacker.call("POST", "", {"track": "scientific"}), range(60)))


ATTACKS = (reports_progress, asks_for_everything, opens_and_cancels, opens_sixty)


@dataclass
class Neighbours:
    """Other students, one after the other: how long each waits for the first questions of a practice session."""

    url: str
    waited_s: list[float] = field(default_factory=list)
    failed: int = 0

    @contextmanager
    def practising(self) -> Iterator[None]:
        stopping = threading.Event()
        thread = threading.Thread(target=self._practise, args=(stopping,))
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def _practise(self, stopping: threading.Event) -> None:
        body = {"section": "verbal", "categories": ["analogy"], "difficulty": "easy", "questionCount": 5}
        while not stopping.wait(_NEIGHBOUR_EVERY_S):
            began = time.monotonic()
            headers = {"X-User-Id": str(uuid4())}
            answer = httpx2.post(f"{self.url}/api/practice", json=body, headers=headers, timeout=60)
            if answer.status_code == httpx2.codes.CREATED and answer.json()["questions"]:
                self.waited_s.append(time.monotonic() - began)
            else:
                self.failed += 1

    def said(self) -> str:
        waits = sorted(self.waited_s)
        return f"{len(waits)} waited p50 {share(waits, 0.5):.2f} s, p95 {share(waits, 0.95):.2f} s; {self.failed} failed"


_SPENT = """
    SELECT coalesce(sum(a.cost_microdollars), 0) / 1e6,
           (SELECT count(*) FROM generation.questions JOIN generation.plans USING (session_id) WHERE user_id = %(user)s),
           (SELECT count(*) FROM generation.plans WHERE user_id = %(user)s)
    FROM generation.attempts a JOIN generation.plans p USING (session_id) WHERE p.user_id = %(user)s
"""


def _attacked(stack: Stack, attack: Callable[[Attacker], None], seconds: float) -> str:
    attacker = Attacker(stack.api_url, time.monotonic() + seconds)
    neighbours = Neighbours(stack.api_url)
    with neighbours.practising():
        attack(attacker)
        attacker.until(lambda: False)
    time.sleep(_SETTLE_S)
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        row = connection.execute(_SPENT, {"user": attacker.user_id}).fetchone()
    assert row is not None  # noqa: S101  an aggregate has a row
    return (
        f"{attack.__name__:20} spent {row[0]:.2f} dollars for {row[1]} questions in {row[2]} exams; "
        f"answers {dict(sorted(attacker.answers.items()))}; neighbours: {neighbours.said()}"
    )


def _column(name: str, environment: Mapping[str, str], seconds: float, speed: float) -> None:
    print(f"{name}, {seconds:g} s each, speed {speed:g}", flush=True)
    settings = StackSettings(
        speed=speed, anthropic_api_key=None, claude_base_url=None, database_url=None, redis_url=None
    )
    with tempfile.TemporaryDirectory() as directory:
        options = StackOptions(
            directory=Path(directory), keep_data=False, free_ports=True, environment=environment
        )
        with Stack(settings, options) as stack:
            for attack in ATTACKS:
                print(_attacked(stack, attack, seconds), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--speed", type=float, default=50)
    options = parser.parse_args()
    calls = {"API_CALLS_PER_MINUTE": "0"}  # so that no attack is slowed by another limit
    _column("With the defaults", calls, options.seconds, options.speed)
    _column(
        "Without a user's limit and reading time",
        {**calls, **MADE_UP_STUDENTS},
        options.seconds,
        options.speed,
    )


if __name__ == "__main__":
    main()
