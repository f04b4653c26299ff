"""A database function of the web app decides whether a user may create a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import Engine, text

from api.__main__ import main
from db.quota import QuotaFunction
from runtime.settings import DatabaseSettings
from tests.integration.api.conftest import Serve

CREDITS = """
CREATE TABLE credits (user_id uuid PRIMARY KEY, left_over int NOT NULL);
CREATE FUNCTION take_credit(student uuid, session uuid, kind text, questions int)
RETURNS boolean LANGUAGE sql AS $$
  WITH taken AS (
    UPDATE credits SET left_over = left_over - 1 WHERE user_id = student AND left_over > 0 RETURNING 1
  )
  SELECT EXISTS (SELECT FROM taken)
$$
"""
EXAM = {"track": "literary"}
NOW = {"Prefer": "wait=0"}


@pytest.fixture
def credit(engine: Engine) -> Callable[[UUID], int]:
    """Returns a user's remaining credit, which is 1 at first."""
    with engine.begin() as connection:
        connection.execute(text(CREDITS))

    def left(user_id: UUID) -> int:
        query = text("SELECT left_over FROM credits WHERE user_id = :user")
        with engine.connect() as connection:
            return int(connection.execute(query, {"user": user_id}).scalar_one())

    return left


@pytest.fixture
def user(engine: Engine, credit: Callable[[UUID], int]) -> UUID:
    user_id = uuid4()
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO credits VALUES (:user, 1)"), {"user": user_id})
    return user_id


@pytest.fixture
def student(serve: Serve, user: UUID) -> Iterator[httpx2.Client]:
    with serve(quota=QuotaFunction("public.take_credit")).client(user) as client:
        yield client


def test_a_user_without_credit_gets_no_session_and_nothing_is_spent(
    student: httpx2.Client, user: UUID, credit: Callable[[UUID], int]
) -> None:
    first = student.post("/exams", json=EXAM, headers=NOW)
    second = student.post("/practice", json=practice(), headers=NOW)

    assert (first.status_code, second.status_code) == (201, 403)
    assert second.json()["code"] == "quota_exhausted"
    assert credit(user) == 0
    assert student.get("/practice").json()["sessions"] == []


def test_a_double_click_takes_one_credit(
    student: httpx2.Client, user: UUID, credit: Callable[[UUID], int]
) -> None:
    """D10: the original took a credit for each click, and kept it when the generation failed."""
    key = {"Idempotency-Key": "one-click", **NOW}
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: student.post("/exams", json=EXAM, headers=key), range(4)))

    assert {answer.status_code for answer in made} == {201}
    assert len({answer.json()["id"] for answer in made}) == 1
    assert credit(user) == 0


def test_a_key_that_was_rejected_without_credit_works_when_there_is_credit(
    student: httpx2.Client, user: UUID, engine: Engine, credit: Callable[[UUID], int]
) -> None:
    student.post("/exams", json=EXAM, headers=NOW)
    rejected = student.post("/exams", json=EXAM, headers={"Idempotency-Key": "again", **NOW})
    with engine.begin() as connection:
        connection.execute(text("UPDATE credits SET left_over = 1"))
    made = student.post("/exams", json=EXAM, headers={"Idempotency-Key": "again", **NOW})

    assert (rejected.status_code, made.status_code) == (403, 201)
    assert credit(user) == 0


def test_a_session_that_cannot_be_written_takes_no_credit(
    student: httpx2.Client, user: UUID, engine: Engine, credit: Callable[[UUID], int]
) -> None:
    """D10: the credit and the session are one transaction; an error after taking the credit rolls it back."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no'; END $$"
            )
        )
        connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER broken AFTER INSERT ON exam_sessions DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION broken()"
            )
        )
    assert student.post("/exams", json=EXAM, headers=NOW).status_code == 500
    assert credit(user) == 1


@pytest.mark.parametrize("name", ["public.take_credits", "public.now"])
def test_a_missing_function_prevents_the_start_with_a_sentence(
    name: str,
    database: DatabaseSettings,
    credit: Callable[[UUID], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the original a missing function made every student's exam fail."""
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", database.database_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("API_QUOTA_FUNCTION", name)

    assert main() == 1
    output = capsys.readouterr().err
    assert "API_QUOTA_FUNCTION" in output
    assert name in output


def test_a_function_of_the_right_shape_is_found(engine: Engine, credit: Callable[[UUID], int]) -> None:
    assert QuotaFunction("public.take_credit").exists(engine)
    assert not QuotaFunction("public.no_such").exists(engine)


def practice() -> dict[str, object]:
    return {"section": "verbal", "categories": ["analogy"], "difficulty": "easy", "questionCount": 5}
