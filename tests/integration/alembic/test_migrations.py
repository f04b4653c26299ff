"""Migrations on an empty database, and on an existing one of the web app."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.util import CommandError
from sqlalchemy import Engine

from db.batches import BatchStore
from db.engine import make_engine
from db.sessions import SessionStore
from generation.model import SessionKind
from runtime.settings import DatabaseSettings
from tests.integration.alembic.conftest import Alembic, Db, Shell, start
from tests.integration.alembic.web_app import (
    ADDED_TO_EXAMS,
    ADDED_TO_PRACTICE,
    EXISTING,
    picture,
    without_ours,
)
from tests.integration.db.exams import STUDENT, exam_plan, make_ready, new_session, practice_plan

OUR_TABLES = {
    "alembic_version",
    "plans",
    "slots",
    "questions",
    "reports",
    "reviews",
    "batches",
    "corrections",
    "attempts",
    "events",
    "idempotency_keys",
}
THEIR_USER = uuid.UUID(int=1)


@pytest.fixture
def existing(db: Db) -> Iterator[Db]:
    """The web app's database, with its rows. Roles belong to the whole server, so each has a unique name."""
    role = f"web_{uuid.uuid4().hex}"
    db.execute(EXISTING.format(role=role).encode())
    yield db
    db.execute(f"DROP OWNED BY {role}".encode())
    db.execute(f"DROP ROLE {role}".encode())


@pytest.fixture
def stores(empty_database: DatabaseSettings) -> Iterator[Engine]:
    engine = make_engine(empty_database, "tests")
    yield engine
    engine.dispose()


def test_an_empty_database_gets_the_web_apps_tables_and_ours(alembic: Alembic, db: Db) -> None:
    alembic("upgrade", "head")

    assert tables(db, "generation") == OUR_TABLES
    assert tables(db, "public") == {"exam_sessions", "practice_sessions"}
    row = db.execute("INSERT INTO exam_sessions (user_id) VALUES (gen_random_uuid()) RETURNING *").fetchone()
    assert row is not None
    assert (row["generated_batches"], row["generation_context"], row["total_questions"]) == (0, {}, 96)
    assert (row["generation_in_progress"], row["status"], row["questions"]) == (False, "in_progress", [])
    assert {"idx_exam_sessions_pending", "idx_exam_sessions_generating"} <= indexes(db)


@pytest.mark.parametrize("kind", ["empty", "existing"])
def test_nothing_is_left_to_migrate(alembic: Alembic, kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "existing":
        request.getfixturevalue("existing")
    alembic("upgrade", "head")

    assert "No new upgrade operations detected." in alembic("check")


def test_a_missing_column_of_ours_is_reported_and_a_foreign_one_is_not(
    alembic: Alembic, existing: Db
) -> None:
    """`alembic check` reports our columns, and only ours."""
    alembic("upgrade", "head")
    existing.execute("ALTER TABLE exam_sessions ADD COLUMN new_of_theirs text")
    existing.execute("ALTER TABLE exam_sessions ALTER COLUMN generated_batches TYPE bigint")
    existing.execute("CREATE TABLE another_of_theirs (id int)")
    alembic("check")

    existing.execute("ALTER TABLE exam_sessions DROP COLUMN generation_in_progress CASCADE")
    existing.execute("ALTER TABLE generation.batches DROP COLUMN owner")
    with pytest.raises(CommandError) as noticed:
        alembic("check")
    assert "generation_in_progress" in str(noticed.value)
    assert "owner" in str(noticed.value)
    assert "theirs" not in str(noticed.value)


def test_an_existing_database_only_gains_what_is_missing(alembic: Alembic, existing: Db) -> None:
    before = picture(existing)
    rows_before = rows(existing)
    alembic("upgrade", "head")
    after = picture(existing)

    assert without_ours(after) == before
    gained = {(row["relname"], row["attname"]) for row in after["columns"]}
    gained -= {(row["relname"], row["attname"]) for row in before["columns"]}
    assert gained == {("exam_sessions", name) for name in ADDED_TO_EXAMS} | {
        ("practice_sessions", name) for name in ADDED_TO_PRACTICE
    }
    assert rows(existing) == rows_before


def test_existing_rows_get_the_defaults_and_keep_their_own_values(alembic: Alembic, existing: Db) -> None:
    alembic("upgrade", "head")

    exams = existing.execute(
        "SELECT DISTINCT generated_batches, generation_context, generation_in_progress FROM exam_sessions"
    ).fetchall()
    assert [tuple(row.values()) for row in exams] == [(0, {}, False)]
    practice = existing.execute("SELECT generated_batches, status FROM practice_sessions").fetchall()
    assert [tuple(row.values()) for row in practice] == [(7, "in_progress")]


def test_the_stores_work_on_an_existing_database(alembic: Alembic, existing: Db, stores: Engine) -> None:
    """With row level security, triggers and narrower types than ours."""
    alembic("upgrade", "head")
    sessions, batches = SessionStore(stores), BatchStore(stores)

    for plan in (exam_plan(), practice_plan()):
        session_id = sessions.create(THEIR_USER, plan).session_id
        make_ready(batches, session_id, 0)
        view = sessions.view(session_id, plan.kind, THEIR_USER)
        assert (view.generated_batches, view.status) == (1, "in_progress")
        sessions.cancel(session_id)
        assert sessions.view(session_id, plan.kind, THEIR_USER).status == "abandoned"


def test_migrating_twice_does_nothing_and_does_not_wait_for_a_busy_table(
    alembic: Alembic, existing: Db, empty_database: DatabaseSettings
) -> None:
    alembic("upgrade", "head")
    before = picture(existing)

    with psycopg.connect(empty_database.libpq_url) as busy:
        busy.execute("LOCK TABLE exam_sessions IN ROW EXCLUSIVE MODE")
        alembic("upgrade", "head")
    assert picture(existing) == before


def test_a_migration_that_was_cut_off_can_be_repeated(alembic: Alembic, existing: Db) -> None:
    alembic("upgrade", "0001")
    before = picture(existing)
    existing.execute("DELETE FROM generation.alembic_version")
    alembic("upgrade", "0001")
    assert picture(existing) == before
    alembic("upgrade", "head")

    later = {("exam_sessions", "exam_config")}
    after = picture(existing)
    after["columns"] = [row for row in after["columns"] if (row["relname"], row["attname"]) not in later]
    assert after == before


def test_an_index_that_a_cut_off_migration_left_invalid_is_built_again(
    alembic: Alembic, existing: Db
) -> None:
    alembic("upgrade", "0001")
    existing.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_exam_sessions_pending'::regclass"
    )
    existing.execute("DELETE FROM generation.alembic_version")
    alembic("upgrade", "head")

    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_exam_sessions_pending'::regclass"
    assert existing.execute(valid).fetchall() == [{"indisvalid": True}]


def test_two_migrations_at_once_both_succeed(
    existing: Db, empty_database: DatabaseSettings, tmp_path: Path
) -> None:
    racers = [start(empty_database.database_url, tmp_path, "upgrade", "head") for _ in range(2)]
    ends = [racer.communicate(timeout=60)[1] for racer in racers]

    assert [racer.returncode for racer in racers] == [0, 0], ends
    assert tables(existing, "generation") == OUR_TABLES


def test_a_busy_table_is_one_sentence_and_the_next_try_succeeds(
    alembic: Alembic, existing: Db, empty_database: DatabaseSettings
) -> None:
    with psycopg.connect(empty_database.libpq_url) as busy:
        busy.execute("LOCK TABLE exam_sessions IN ACCESS SHARE MODE")
        with pytest.raises(CommandError, match="Run the migration again"):
            alembic("upgrade", "head")

    alembic("upgrade", "head")


def test_a_step_down_drops_our_tables_only_and_up_again_works(
    alembic: Alembic, existing: Db, stores: Engine
) -> None:
    alembic("upgrade", "head")
    before, rows_before = picture(existing), rows(existing)
    alembic("downgrade", "0001")

    assert tables(existing, "generation") == {"alembic_version"}
    assert (picture(existing), rows(existing)) == (before, rows_before)
    alembic("downgrade", "base")
    assert (picture(existing), rows(existing)) == (before, rows_before)

    alembic("upgrade", "head")
    stores.dispose()
    session_id = SessionStore(stores).create(THEIR_USER, exam_plan()).session_id
    assert SessionStore(stores).view(session_id, SessionKind.EXAM, THEIR_USER).generated_batches == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://user:secret@127.0.0.1:1/exams", "cannot be used: Connection refused"),
        ("mysql://user:secret@127.0.0.1/exams", "DATABASE_URL is not usable"),
    ],
)
def test_a_wrong_address_is_one_sentence(shell: Shell, url: str, said: str) -> None:
    refused = shell("upgrade", "head", url=url)

    assert refused.returncode != 0
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "secret" not in refused.stderr + refused.stdout


def test_the_migrations_do_not_run_offline(shell: Shell) -> None:
    refused = shell("upgrade", "head", "--sql")

    assert refused.returncode != 0
    assert "without --sql" in refused.stdout


def test_a_new_exam_on_an_empty_database_needs_no_web_app(alembic: Alembic, stores: Engine) -> None:
    alembic("upgrade", "head")
    session_id = new_session(SessionStore(stores))

    assert SessionStore(stores).view(session_id, SessionKind.EXAM, STUDENT).total_questions == 7


def tables(db: Db, schema: str) -> set[object]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    return {row["tablename"] for row in db.execute(query, [schema])}


def indexes(db: Db) -> set[object]:
    return {row["indexname"] for row in db.execute("SELECT indexname FROM pg_indexes")}


def rows(db: Db) -> list[object]:
    """Every row of the web app as text, in the columns it had before us."""
    exam = (
        "id, user_id, track, status, questions, questions_answered, total_questions, start_time, created_at,"
    )
    exam += " updated_at, their_own"
    practice = "id, user_id, created_at, question_ids, student_responses, total_questions, generated_batches"
    queries = (
        f"SELECT ({exam})::text AS row FROM exam_sessions ORDER BY id",
        f"SELECT ({practice})::text AS row FROM practice_sessions ORDER BY id",
        "SELECT (auth.users.*)::text AS row FROM auth.users",
    )
    return [db.execute(query.encode()).fetchall() for query in queries]


def test_an_account_that_may_not_migrate_hears_that_there_is_nothing_to_do(
    alembic: Alembic, db: Db, shell: Shell, limited: str
) -> None:
    alembic("upgrade", "head")
    db.execute(f"GRANT USAGE ON SCHEMA generation TO {limited}".encode())
    db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA generation TO {limited}".encode())

    done = shell("upgrade", "head", url=_as(limited, db))

    assert (done.returncode, done.stdout) == (0, "Nothing to do: the database is at the newest migration.\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("begun", [False, True], ids=["nothing there", "an older version there"])
def test_an_account_that_may_not_migrate_hears_which_right_it_lacks_and_who_has_it(
    alembic: Alembic, db: Db, shell: Shell, limited: str, begun: bool
) -> None:
    if begun:
        alembic("upgrade", "0008")
        db.execute(f"GRANT USAGE ON SCHEMA generation TO {limited}".encode())
        db.execute(f"GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA generation TO {limited}".encode())

    done = shell("upgrade", "head", url=_as(limited, db))

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert limited in done.stderr
    assert "must be owner of table" in done.stderr or "permission denied for database" in done.stderr
    assert "as the owner of the tables, postgres" in done.stderr


@pytest.fixture
def limited(db: Db) -> Iterator[str]:
    """An account that may log in, and nothing else. Roles belong to the whole server."""
    role = f"limited_{uuid.uuid4().hex}"
    db.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'limited'".encode())
    yield role
    db.execute(f"DROP OWNED BY {role}".encode())
    db.execute(f"DROP ROLE {role}".encode())


def _as(role: str, db: Db) -> str:
    return f"postgresql://{role}:limited@{db.info.host}:{db.info.port}/{db.info.dbname}"
