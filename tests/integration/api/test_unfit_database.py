"""Tables or rights that an operator changes while the API runs."""

from __future__ import annotations

from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from tests.integration.api.conftest import Serve

NOW = {"Prefer": "respond-async"}


@pytest.mark.parametrize(
    ("change", "says", "helps"),
    [
        ("ALTER SCHEMA generation RENAME TO gone", "does not exist", "alembic upgrade head"),
        ("ALTER TABLE generation.plans RENAME TO gone", "does not exist", "alembic upgrade head"),
        (
            "ALTER TABLE generation.plans RENAME COLUMN last_seq TO gone",
            "does not exist",
            "alembic upgrade head",
        ),
    ],
)
def test_missing_tables_are_unavailability_with_a_reason_and_not_ready(
    serve: Serve, engine: Engine, change: str, says: str, helps: str
) -> None:
    served = serve(api_default_wait_s=0)
    with engine.begin() as connection:
        connection.execute(text(change))
    with served.client(uuid4()) as student, capture_logs() as logs:
        answers = [
            student.post("/exams", json={"track": "scientific"}, headers=NOW),
            httpx2.get(f"{served.url}/readyz"),
        ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (503, "service_unavailable")
    ] * 2
    assert all(answer.headers["Retry-After"] for answer in answers)
    reasons = [line for line in logs if line["event"] == "database_unfit"]
    assert len(reasons) == len(answers)
    assert all(says in line["says"] and helps in line["remedy"] for line in reasons)


def test_an_error_of_the_web_apps_own_function_stays_an_error_and_its_text_unlogged(
    serve: Serve, engine: Engine
) -> None:
    served = serve(api_default_wait_s=0)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION public.boom() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'the answer is %', 'hunter2'; END $$; "
                "CREATE TRIGGER boom BEFORE INSERT ON generation.plans FOR EACH ROW EXECUTE FUNCTION public.boom()"
            )
        )
    with served.client(uuid4()) as student, capture_logs() as logs:
        answer = student.post("/exams", json={"track": "scientific"}, headers=NOW)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in f"{logs}{answer.text}"
