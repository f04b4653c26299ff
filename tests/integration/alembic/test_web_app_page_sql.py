"""The SQL in docs/web-app.md for the owner of the database does what the page says."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine

from db.batches import BatchStore
from db.engine import make_engine
from db.errors import QuotaExhausted
from db.quota import QuotaFunction
from db.sessions import SessionStore
from generation.model import SessionKind
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import STUDENT, exam_plan, make_ready
from tools.stack.processes import PROJECT
from worker.doctor import Finding, Health, examine_postgres

Db = psycopg.Connection[tuple[object, ...]]

WEB_APP = """
ALTER TABLE exam_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice_sessions ENABLE ROW LEVEL SECURITY;
CREATE TABLE user_profiles (user_id uuid PRIMARY KEY, academic_track text);
CREATE TABLE feature_toggles (feature_name text PRIMARY KEY, is_enabled boolean, description text);
CREATE TABLE credits (user_id uuid PRIMARY KEY, left_over int NOT NULL);
ALTER TABLE credits ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT SELECT ON exam_sessions, practice_sessions TO anon, authenticated;
CREATE POLICY own ON exam_sessions FOR SELECT TO authenticated USING (true);
"""
BROWSERS = ("anon", "authenticated")


class Owner:
    """The owner of the web app's database. Accounts belong to the whole server, so each has a unique name."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._suffix = uuid.uuid4().hex

    def account(self, name: str) -> str:
        return f"{name}_{self._suffix}"

    def run(self, sql: str) -> None:
        named = re.sub(r"\b(tafawoq_app|anon|authenticated)\b", lambda found: self.account(found[1]), sql)
        self._db.execute(named.encode())


@pytest.fixture
def owner(database: DatabaseSettings) -> Iterator[Owner]:
    with psycopg.connect(database.libpq_url, autocommit=True) as db:
        owner = Owner(db)
        for name in BROWSERS:
            owner.run(f"CREATE ROLE {name} NOLOGIN")
        owner.run(WEB_APP)
        yield owner
        for name in ("tafawoq_app", *BROWSERS):
            owner.run(f"DROP OWNED BY {name}")
            owner.run(f"DROP ROLE {name}")


def blocks() -> list[str]:
    page = (PROJECT / "docs" / "web-app.md").read_text("utf-8")
    found: list[str] = re.findall(r"```sql\n(.*?)```", page, flags=re.DOTALL)
    return found


def judged(engine: Engine) -> Finding:
    """The doctor's finding about the account."""
    return next(found for found in examine_postgres(engine) if found.about.startswith("account"))


def test_the_account_can_do_all_that_the_api_and_the_workers_do_and_browsers_see_no_answer(
    owner: Owner, database: DatabaseSettings
) -> None:
    for sql in blocks():
        owner.run(sql)
    owner.run(f"INSERT INTO credits VALUES ('{STUDENT}', 1)")
    parts = urlsplit(database.libpq_url)
    address = f"{owner.account('tafawoq_app')}:...@{parts.hostname}:{parts.port}"
    url = urlunsplit(parts._replace(netloc=address))
    engine = make_engine(DatabaseSettings(database_url=url), "tests")
    sessions = SessionStore(engine, quota=QuotaFunction("public.take_credit"))
    batches = BatchStore(engine)
    assert judged(engine).health is Health.WELL

    session_id = sessions.create(STUDENT, exam_plan()).session_id
    make_ready(batches, session_id, 0)
    with pytest.raises(QuotaExhausted):
        sessions.create(STUDENT, exam_plan())
    batches.sweep(10, 10)
    sessions.cancel(session_id)
    sessions.publish_endings(10)
    assert sessions.view(session_id, SessionKind.EXAM, STUDENT).status == "abandoned"
    owner.run("ALTER ROLE tafawoq_app NOBYPASSRLS")
    assert judged(engine).says == "row level security hides the rows of exam_sessions, practice_sessions"
    owner.run("CREATE POLICY ours ON exam_sessions TO tafawoq_app USING (true)")
    assert judged(engine).says == "row level security hides the rows of practice_sessions"
    owner.run("REVOKE UPDATE ON practice_sessions FROM tafawoq_app")
    assert judged(engine).says == "it may not read and write practice_sessions"
    engine.dispose()

    with psycopg.connect(database.libpq_url) as browser:
        browser.execute(f"SET ROLE {owner.account('authenticated')}".encode())
        assert browser.execute("SELECT id, generated_batches FROM exam_sessions").fetchall() == [
            (session_id, 1)
        ]
        with pytest.raises(InsufficientPrivilege):
            browser.execute("SELECT questions FROM exam_sessions")
