"""The web app's own decision whether a user may have a session, made by a function in the database."""

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
    """How much a user has left; he begins with one."""
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
    """D10: the original consumed a credit for each click, and kept it when the generation failed."""
    key = {"Idempotency-Key": "one-click", **NOW}
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: student.post("/exams", json=EXAM, headers=key), range(4)))

    assert {answer.status_code for answer in made} == {201}
    assert len({answer.json()["id"] for answer in made}) == 1
    assert credit(user) == 0


def test_a_key_that_was_refused_for_want_of_credit_can_be_used_when_there_is_some(
    student: httpx2.Client, user: UUID, engine: Engine, credit: Callable[[UUID], int]
) -> None:
    student.post("/exams", json=EXAM, headers=NOW)
    refused = student.post("/exams", json=EXAM, headers={"Idempotency-Key": "again", **NOW})
    with engine.begin() as connection:
        connection.execute(text("UPDATE credits SET left_over = 1"))
    made = student.post("/exams", json=EXAM, headers={"Idempotency-Key": "again", **NOW})

    assert (refused.status_code, made.status_code) == (403, 201)
    assert credit(user) == 0


def test_a_session_that_cannot_be_written_takes_no_credit(
    student: httpx2.Client, user: UUID, engine: Engine, credit: Callable[[UUID], int]
) -> None:
    """D10: taking and making are one transaction; what breaks after the taking gives it back."""
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
def test_a_function_that_is_not_there_keeps_the_api_closed_with_a_sentence(
    name: str,
    database: DatabaseSettings,
    credit: Callable[[UUID], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The original lost every exam to a missing function, one student after another."""
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", database.database_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("API_QUOTA_FUNCTION", name)

    assert main() == 1
    said = capsys.readouterr().err
    assert "API_QUOTA_FUNCTION" in said
    assert name in said


def test_a_function_of_the_right_shape_is_found(engine: Engine, credit: Callable[[UUID], int]) -> None:
    assert QuotaFunction("public.take_credit").exists(engine)
    assert not QuotaFunction("public.no_such").exists(engine)


def practice() -> dict[str, object]:
    return {"section": "verbal", "categories": ["analogy"], "difficulty": "easy", "questionCount": 5}
