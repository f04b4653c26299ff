"""An exam is taken again: like a completed one of the student's own, with other questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import Engine, text

from db.web_app_columns import MOST_JSON_BYTES
from tests.integration.api.served import Served, Writer
from tests.support.old_rows import exam_questions

ASYNC = {"Prefer": "respond-async"}
Completed = Callable[..., str]


@pytest.fixture
def completed(engine: Engine, student: httpx2.Client) -> Completed:
    """Inserts an exam of the student, completed long before the switch."""

    def insert(**row: Any) -> str:
        values = {
            "id": str(uuid4()),
            "user_id": UUID(student.headers["X-User-Id"]),
            "track": "literary",
            "status": "completed",
            "questions": json.dumps(exam_questions("s", [10])),
        } | row
        marks = [
            f"CAST(:{name} AS jsonb)" if name in {"questions", "exam_config"} else f":{name}"
            for name in values
        ]
        with engine.begin() as connection:
            connection.execute(
                text(f"INSERT INTO exam_sessions ({', '.join(values)}) VALUES ({', '.join(marks)})"), values
            )
        return str(values["id"])

    return insert


def config_of(engine: Engine, session_id: str) -> Any:
    query = text("SELECT exam_config FROM exam_sessions WHERE id = :id")
    with engine.connect() as connection:
        return connection.execute(query, {"id": session_id}).scalar_one()


def test_a_retake_has_the_track_and_the_configuration_of_its_source(
    student: httpx2.Client, engine: Engine, completed: Completed
) -> None:
    kept = {
        "track": "literary",
        "totalQuestions": 96,
        "timeLimit": 120,
        "categoryDistribution": {"algebra": 3},
    }
    source = completed(exam_config=json.dumps(kept | {"sourceExamId": "older"}))

    answer = student.post("/exams", json={"sourceSessionId": source}, headers=ASYNC)

    assert answer.status_code == 201, answer.text
    assert (answer.json()["track"], answer.json()["totalQuestions"]) == ("literary", 96)
    config = config_of(engine, answer.json()["id"])
    assert config.pop("generatedAt")
    assert config == kept | {"sourceExamId": source}


def test_without_a_kept_configuration_it_is_inferred_as_the_web_app_does(
    student: httpx2.Client, engine: Engine, completed: Completed
) -> None:
    answer = student.post("/exams", json={"sourceSessionId": completed()}, headers=ASYNC)
    config = config_of(engine, answer.json()["id"])
    assert config["timeLimit"] == 120
    assert config["difficultyDistribution"] == {"easy": 4, "medium": 3, "hard": 3}
    assert sum(config["categoryDistribution"].values()) == 10


def test_a_moment_that_python_cannot_hold_does_not_prevent_a_retake(
    student: httpx2.Client, completed: Completed
) -> None:
    source = completed(updated_at="infinity")
    assert student.post("/exams", json={"sourceSessionId": source}, headers=ASYNC).status_code == 201


def test_a_configuration_that_is_too_long_is_not_read(
    student: httpx2.Client, engine: Engine, completed: Completed
) -> None:
    source = completed(exam_config=json.dumps({"timeLimit": 5, "note": "x" * MOST_JSON_BYTES}))
    answer = student.post("/exams", json={"sourceSessionId": source}, headers=ASYNC)
    config = config_of(engine, answer.json()["id"])
    assert (config["timeLimit"], "note" in config) == (120, False)


def test_an_exam_that_is_no_retake_keeps_no_configuration(student: httpx2.Client, engine: Engine) -> None:
    answer = student.post("/exams", json={"track": "scientific"}, headers=ASYNC)
    assert config_of(engine, answer.json()["id"]) is None


def test_the_source_is_the_students_own_and_completed(
    served: Served, student: httpx2.Client, completed: Completed
) -> None:
    running = completed(status="in_progress")
    answer = student.post("/exams", json={"sourceSessionId": running})
    assert (answer.status_code, answer.json()["code"]) == (409, "session_not_completed")
    with served.client(uuid4()) as other:
        for source in (completed(), str(uuid4())):
            answer = other.post("/exams", json={"sourceSessionId": source})
            assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, {"field": "body", "problem": "one_of", "allowed": ["track", "sourceSessionId"]}),
        (
            {"track": "literary", "sourceSessionId": str(uuid4())},
            {"field": "body", "problem": "one_of", "allowed": ["track", "sourceSessionId"]},
        ),
        ({"track": None}, {"field": "track", "problem": "missing"}),
        ({"sourceSessionId": None}, {"field": "sourceSessionId", "problem": "missing"}),
    ],
)
def test_a_body_names_the_track_or_the_source(student: httpx2.Client, body: Any, problem: Any) -> None:
    answer = student.post("/exams", json=body)
    assert (answer.status_code, answer.json()["fields"]) == (422, [problem])


def test_a_retake_that_is_sent_twice_makes_one_exam(
    student: httpx2.Client, writer: Writer, completed: Completed
) -> None:
    headers, body = {"Idempotency-Key": "again", **ASYNC}, {"sourceSessionId": completed()}
    made = {student.post("/exams", json=body, headers=headers).json()["id"] for _ in range(2)}
    assert (len(made), writer.messages.qsize()) == (1, 1)
