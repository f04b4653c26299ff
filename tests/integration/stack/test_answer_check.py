"""A model that keys every other question wrongly, on the real stack: each wrong key that is left is known as disputed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import accumulate
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest

from db.engine import make_engine
from db.operator_queries import OperatorView
from generation.model import OUR_OWN_FIELDS
from runtime.settings import DatabaseSettings
from tests.integration.stack.student import TIMEOUT_S, Student
from tests.support.stack import running_stack
from tools.stack.stack import Stack

#: Of a scientific exam's ten batches, as many as there is time for in the suite; all ten make the whole proof.
SIZES = [10, 10, 10, 10, 10, 7, 10, 10, 10, 9][:4]
QUESTIONS_WANTED = sum(SIZES)

QUESTIONS = (
    "SELECT position, batch_index, content, solver_verdict FROM generation.questions "
    "WHERE session_id = %s ORDER BY position"
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(
        tmp_path_factory.mktemp("stack"),
        *("--wrong-key-rate", "0.5"),
        *("--undeclared-rate", "1"),  # a wrong key with a declared expression becomes no question
        speed=60,
        environment={"LOG_LEVEL": "DEBUG"},
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def student(stack: Stack) -> Student:
    """Who has come so far in an exam, and never asked for a batch: each was prefetched."""
    student = Student(stack.api_url)
    student.begin({"track": "scientific"})
    for batch_index, start in enumerate(accumulate(SIZES[:-2], initial=0), 1):
        student.reach(start + SIZES[batch_index - 1] * 7 // 10)
        await_batches(student, batch_index + 1)
    await_check(stack, student.session_id, 0)
    return student


def await_check(stack: Stack, session_id: str, batch_index: int) -> None:
    """Until no question of the published batch is unchecked in the web app's row."""
    query = (
        "SELECT q->'check'->>'verdict' FROM exam_sessions, jsonb_array_elements(questions) q "
        "WHERE exam_sessions.id = %s AND q->>'id' ~ %s "
        "UNION ALL SELECT q->'check'->>'verdict' FROM practice_sessions, jsonb_array_elements(questions) q "
        "WHERE practice_sessions.id = %s AND q->>'id' ~ %s"
    )
    name = f"_{batch_index}_"
    deadline = time.monotonic() + TIMEOUT_S
    while (
        "unchecked"
        in (found := {verdict for (verdict,) in rows(stack, query, session_id, name, session_id, name)})
        or not found
    ):
        assert time.monotonic() < deadline, f"batch {batch_index} is not checked"
        time.sleep(0.1)


def await_batches(student: Student, count: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while student.session()["generatedBatches"] < count:
        assert time.monotonic() < deadline, f"batch {count - 1} is not there"
        time.sleep(0.1)


def rows(stack: Stack, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        return connection.execute(query.encode(), values).fetchall()


def is_wrongly_keyed(content: dict[str, Any]) -> bool:
    """The simulator ends the explanation of a right key in these words, and that of a wrong one in others."""
    key = content["choices"][content["answerIndex"]]
    return not content["explanation"].endswith(f"إذن الجواب: {key}.")


@pytest.mark.timeout(180)
def test_no_wrong_key_is_left_that_the_solver_did_not_dispute(stack: Stack, student: Student) -> None:
    found = rows(stack, QUESTIONS, student.session_id)
    assert [position for position, *_ in found] == list(range(QUESTIONS_WANTED))
    wrong = {position for position, _, content, _ in found if is_wrongly_keyed(content)}
    kept = {position for position, _, _, verdict in found if verdict == "disputed"}
    assert wrong == kept
    assert [position for position in kept if position < SIZES[0]], (
        "the first batch has no wrong key: try another seed"
    )
    assert all(verdict is not None for _, _, _, verdict in found)
    rewritten = rows(
        stack, "SELECT sum(disputes) FROM generation.slots WHERE session_id = %s", student.session_id
    )
    assert rewritten[0][0] > 0


@pytest.mark.timeout(180)
def test_what_is_published_is_what_is_stored(stack: Stack, student: Student) -> None:
    [(published,)] = rows(stack, "SELECT questions FROM exam_sessions WHERE id = %s", student.session_id)
    stored = rows(stack, QUESTIONS, student.session_id)
    for shown, (_, _, content, verdict) in zip(published, stored, strict=True):
        check, graded = shown.pop("check"), shown.pop("graded")
        assert shown == {name: value for name, value in content.items() if name not in OUR_OWN_FIELDS}
        assert (check["verdict"], check["solver"], graded) == (
            verdict,
            "claude-haiku-5-5",
            verdict == "agreed",
        )
        assert check["at"]


@pytest.mark.timeout(180)
def test_a_reader_from_the_beginning_ends_with_the_questions_that_are_there(student: Student) -> None:
    shown = {question["index"]: question for question in student.session()["questions"]}
    student.call("POST", f"/{student.session_id}/cancel")
    url = f"{student.url}/api/exams/{student.session_id}/events"
    answer = httpx2.get(url, headers={"X-User-Id": student.user_id}, timeout=30)
    reported: dict[int, Any] = {}
    for frame in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.splitlines() if not line.startswith(":"))
        if lines.get("event") == "question":
            question = json.loads(lines["data"])
            reported[question["index"]] = question  # the later one of an index replaces the earlier one
    assert reported == shown


@pytest.mark.timeout(180)
def test_the_ledger_tells_what_the_opinions_cost_and_the_operator_what_they_found(
    stack: Stack, student: Student
) -> None:
    [(calls, asked, accepted, cost)] = rows(
        stack,
        "SELECT count(*), sum(asked), sum(accepted), sum(cost_microdollars) FROM generation.attempts "
        "WHERE session_id = %s AND purpose = 'solve' AND provider = 'claude' AND model = 'claude-haiku-5-5' "
        "AND outcome = 'complete' AND usage_source = 'reported'",
        student.session_id,
    )
    assert (calls >= len(SIZES) - 1, accepted, cost > 0) == (True, 0, True)
    engine = make_engine(DatabaseSettings(database_url=stack.environment["DATABASE_URL"]), "test")
    quality = OperatorView(engine).quality(UUID(student.session_id))
    engine.dispose()
    assert (quality.questions, quality.checked) == (QUESTIONS_WANTED, QUESTIONS_WANTED)
    assert asked >= quality.checked + quality.rewritten


@pytest.mark.timeout(180)
def test_no_log_holds_what_the_solver_was_asked_or_answered(stack: Stack, student: Student) -> None:
    stored = [content for _, _, content, _ in rows(stack, QUESTIONS, student.session_id)]
    secrets = {text for content in stored for text in (content["explanation"], content["stem"])}
    workings = {content["explanation"][:100] for content in stored}
    reported = "".join(path.read_text() for path in stack.logs.glob("*.log"))
    assert "batch_checked" in reported
    assert not [text for text in secrets | workings if text in reported]


@pytest.mark.timeout(180)
def test_a_practice_of_five_and_a_student_who_asks_for_each_batch_are_checked_as_well(stack: Stack) -> None:
    practice = Student(stack.api_url, kind="practice")
    wanted = {
        "section": "quantitative",
        "categories": ["algebra"],
        "difficulty": "medium",
        "questionCount": 5,
    }
    practice.begin(wanted)
    await_batches(practice, 1)
    await_check(stack, practice.session_id, 0)
    asking = Student(stack.api_url)
    asking.begin({"track": "literary"})
    for batch_index in range(3):
        asking.take(batch_index)
    for batch_index in range(3):
        await_check(stack, asking.session_id, batch_index)
    for student in (practice, asking):
        found = rows(stack, QUESTIONS, student.session_id)
        wrong = {position for position, _, content, _ in found if is_wrongly_keyed(content)}
        assert wrong == {position for position, _, _, verdict in found if verdict == "disputed"}
        told = "".join(student.reported)
        assert not [
            word for word in ("verdict", "graded", "disputed", "solver", "answerIndex") if word in told
        ]
