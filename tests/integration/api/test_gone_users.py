"""A user whose account is gone from the web app's `auth.users` still has a valid token for an hour."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import Engine, text

from tests.integration.api.conftest import Serve

#: As Supabase projects have it; the names of the constraints are the web app's own affair.
USERS = """
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY);
CREATE TABLE {profiles} (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE);
ALTER TABLE exam_sessions ADD FOREIGN KEY (user_id) REFERENCES {exams} ON DELETE CASCADE;
ALTER TABLE practice_sessions ADD CONSTRAINT theirs FOREIGN KEY (user_id) REFERENCES {profiles} ON DELETE CASCADE {when};
"""
NOW = {"Prefer": "wait=0"}
BODIES = {
    "/exams": {"track": "literary"},
    "/practice": {
        "section": "verbal",
        "categories": ["analogy"],
        "difficulty": "easy",
        "questionCount": 5,
    },
}


@pytest.fixture(params=["auth.users", "profiles", "checked at commit"])
def users(request: pytest.FixtureRequest, engine: Engine) -> Engine:
    deferred = "DEFERRABLE INITIALLY DEFERRED" if request.param == "checked at commit" else ""
    exams = "profiles" if request.param == "profiles" else "auth.users"
    with engine.begin() as connection:
        connection.execute(text(USERS.format(exams=exams, profiles="profiles", when=deferred)))
    return engine


def enrolled(engine: Engine) -> UUID:
    user = uuid4()
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO auth.users VALUES (:id)"), {"id": user})
        connection.execute(text("INSERT INTO profiles VALUES (:id)"), {"id": user})
    return user


def test_a_user_who_is_no_longer_there_gets_401_from_every_creating_call_and_nothing_is_stored(
    users: Engine, serve: Serve
) -> None:
    user = enrolled(users)
    with serve().client(user) as student:
        for path, body in BODIES.items():
            assert student.post(path, json=body, headers=NOW).status_code == 201
        with users.begin() as connection:
            connection.execute(text("DELETE FROM auth.users"))

        for path, body in BODIES.items():
            for headers in (NOW, {**NOW, "Idempotency-Key": "once"}):
                refused(student.post(path, json=body, headers=headers))
    with users.connect() as connection:
        for table in ("exam_sessions", "practice_sessions", "generation.idempotency_keys"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
        assert connection.execute(text("SELECT count(*) FROM generation.plans")).scalar_one() == len(BODIES)


def refused(answer: httpx2.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_another_broken_reference_is_not_blamed_on_the_user(serve: Serve, engine: Engine) -> None:
    """A mistake of the web app's schema, which signing in again would not mend."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE tracks (name text PRIMARY KEY)"))
        connection.execute(text("ALTER TABLE exam_sessions ADD FOREIGN KEY (track) REFERENCES tracks"))
    with serve().client(uuid4()) as student:
        answer = student.post("/exams", json=BODIES["/exams"], headers=NOW)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
