"""What a student's browser can do with the web app's rows, once the SQL of docs/web-app.md has been run, word for word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from db.batches import BatchStore
from db.engine import make_engine
from db.sessions import SessionStore
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import STUDENT, exam_plan, make_ready, practice_plan
from tests.support.databases import Databases
from tools.stack.embedded import EmbeddedPostgres
from tools.stack.processes import PROJECT

Db = psycopg.Connection[tuple[object, ...]]
OTHER = uuid4()

#: Before the first migration, as a Supabase project is made: everybody has every right on every table of public.
SUPABASE = """
CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
CREATE TABLE public.user_profiles (user_id uuid PRIMARY KEY, academic_track text);
CREATE TABLE public.feature_toggles (feature_name text PRIMARY KEY, is_enabled boolean, description text);
REVOKE ALL ON public.user_profiles, public.feature_toggles FROM anon, authenticated;
CREATE TABLE public.credits (user_id uuid PRIMARY KEY, left_over int NOT NULL);
"""
POLICIES = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON {table} FOR ALL TO anon, authenticated USING (user_id = auth.uid());
"""
TABLES = ("exam_sessions", "practice_sessions")
BROWSERS = ("anon", "authenticated")
READABLE = {
    "exam_sessions": {"id", "user_id", "track", "status", "total_questions", "generated_batches"},
    "practice_sessions": {"id", "user_id", "section", "categories", "status", "question_count"},
}
#: Statements of a student, who knows our tables from our open code.
ATTACKS = [
    *(f"SELECT {what} FROM {table}" for table in TABLES for what in ("*", "questions", "generation_context")),
    *(f"SELECT to_jsonb(t) FROM {table} t" for table in TABLES),
    *(f"SELECT id FROM {table} WHERE questions::text LIKE '%answerIndex%'" for table in TABLES),
    *(f"UPDATE {table} SET status = 'completed'" for table in TABLES),
    *(f"UPDATE {table} SET questions = '[]'" for table in TABLES),
    *(f"UPDATE {table} SET user_id = user_id" for table in TABLES),
    "UPDATE exam_sessions SET overall_score = 100, generated_batches = 10",
    *(f"DELETE FROM {table}" for table in TABLES),
    *(f"TRUNCATE {table}" for table in TABLES),
    *(f"INSERT INTO {table} (user_id) VALUES (auth.uid())" for table in TABLES),
    *(f"SELECT id FROM {table} FOR UPDATE" for table in TABLES),
    *(f"COPY {table} TO STDOUT" for table in TABLES),
    *(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in TABLES),
    *(f"CREATE POLICY mine ON {table} USING (true)" for table in TABLES),
    "CREATE TRIGGER t BEFORE UPDATE ON exam_sessions FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "UPDATE credits SET left_over = 99",
    "SELECT public.take_credit(auth.uid(), auth.uid(), 'exam', 96)",
    "SET ROLE service_role",
    "SET ROLE tafawoq_app",
    "CREATE TABLE generation.mine (id int)",
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of its own: its roles have the documented names."""
    with EmbeddedPostgres(durable=False) as postgres, psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
        with psycopg.connect(_at(postgres.url, "template0"), autocommit=True) as first:
            first.execute(SUPABASE)
        with Databases(postgres.url) as databases, databases.migrated() as url:
            _set_up(url)
            yield url


def _at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _set_up(url: str) -> None:
    page = (PROJECT / "docs" / "web-app.md").read_text("utf-8")
    with psycopg.connect(url, autocommit=True) as owner:
        for table in (*TABLES, "credits"):
            owner.execute(POLICIES.format(table=table).encode())
        for block in re.findall(r"```sql\n(.*?)```", page, flags=re.DOTALL):
            owner.execute(block.encode())
    engine = make_engine(DatabaseSettings(database_url=url), "tests")
    sessions = SessionStore(engine)
    for user in (STUDENT, OTHER):
        for plan in (exam_plan(), practice_plan()):
            make_ready(BatchStore(engine), sessions.create(user, plan).session_id, 0)
    engine.dispose()


@pytest.fixture
def owner(server: str) -> Iterator[Db]:
    with psycopg.connect(server, autocommit=True) as connection:
        yield connection


@pytest.fixture(params=BROWSERS)
def browser(server: str, request: pytest.FixtureRequest) -> Iterator[Db]:
    """As PostgREST serves a student: their role and their claims, in a transaction."""
    with psycopg.connect(server) as connection:
        _log_in(connection, request.param)
        yield connection
        connection.rollback()


def _log_in(connection: Db, role: str) -> None:
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    connection.execute(
        "SELECT set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": str(STUDENT)})]
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(browser: Db, attack: str) -> None:
    """SET ROLE is tried as the role itself, which PostgREST's own account is not."""
    if attack.startswith("SET ROLE"):
        may = "SELECT pg_has_role(current_user, %s, 'MEMBER')"
        assert browser.execute(may, [attack.rsplit(maxsplit=1)[-1]]).fetchone() == (False,)
        return
    with pytest.raises(InsufficientPrivilege):
        browser.execute(attack.encode())


def test_a_student_reads_their_own_rows_and_the_documented_columns(server: str) -> None:
    with psycopg.connect(server) as connection:
        _log_in(connection, "authenticated")
        for table, columns in READABLE.items():
            query = sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(map(sql.Identifier, ["user_id", *sorted(columns)])), sql.Identifier(table)
            )
            assert [row[0] for row in connection.execute(query)] == [STUDENT]
        connection.rollback()
        _log_in(connection, "anon")
        with pytest.raises(InsufficientPrivilege):
            connection.execute("SELECT id FROM exam_sessions")


def test_a_browser_has_no_right_but_to_read_the_documented_columns(owner: Db) -> None:
    """Asked of the catalogue: every right on every column of every table, also of those that come later."""
    rights = owner.execute("""
        SELECT role, n.nspname, c.relname, a.attname, right_
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
             unnest(ARRAY['anon', 'authenticated']) AS role,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS right_
        WHERE n.nspname IN ('public', 'generation') AND c.relkind IN ('r', 'v', 'p')
          AND has_column_privilege(role, c.oid, a.attnum, right_)
    """).fetchall()
    assert set(rights) == {
        ("authenticated", "public", table, column, "SELECT")
        for table, columns in READABLE.items()
        for column in columns
    }
    whole = owner.execute("""
        SELECT role, c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
             unnest(ARRAY['anon', 'authenticated']) AS role
        WHERE n.nspname IN ('public', 'generation') AND c.relkind IN ('r', 'v', 'p')
          AND has_table_privilege(role, c.oid, 'DELETE, TRUNCATE, TRIGGER')
    """).fetchall()
    assert whole == []
    for role in BROWSERS:
        may = owner.execute("SELECT has_schema_privilege(%s, 'generation', 'USAGE, CREATE')", [role])
        assert may.fetchone() == (False,)


def test_the_web_apps_server_can_still_end_and_grade(server: str) -> None:
    with psycopg.connect(server) as connection:
        _log_in(connection, "service_role")
        ended = connection.execute(
            "UPDATE exam_sessions SET status = 'completed', overall_score = 90 WHERE user_id = %s"
            " RETURNING jsonb_array_length(questions)",
            [STUDENT],
        ).fetchall()
        assert ended == [(len(exam_plan().slots_of(exam_plan().batches[0])),)]
        connection.rollback()


def test_our_account_changes_rows_and_neither_tables_nor_their_version(owner: Db) -> None:
    rights = owner.execute("""
        SELECT c.oid::regclass::text, right_
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
             unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS right_
        WHERE n.nspname IN ('public', 'generation') AND c.relkind = 'r'
          AND has_table_privilege('tafawoq_app', c.oid, right_)
    """).fetchall()
    by_table: dict[str, set[str]] = {}
    for table, right in rights:
        by_table.setdefault(str(table), set()).add(str(right))
    assert {by_table.pop(table) == {"INSERT", "UPDATE"} for table in TABLES} == {True}
    assert "generation.alembic_version" not in by_table
    assert all(found == {"INSERT", "UPDATE", "DELETE"} for found in by_table.values())
