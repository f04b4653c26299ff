"""Rights that an operator takes from our account while everything runs: who says so, and what heals by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from db.engine import make_engine
from db.errors import DatabaseStruggling
from db.events import EventLog
from db.privileges import read_privileges
from runtime.settings import DatabaseSettings
from worker.periodic import Periodic

ACCOUNT = "of_few_rights"
GIVEN = (
    "GRANT USAGE ON SCHEMA public, generation TO {role}",
    "GRANT SELECT, INSERT, UPDATE ON public.exam_sessions, public.practice_sessions TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA generation TO {role}",
    "ALTER TABLE public.exam_sessions DISABLE ROW LEVEL SECURITY",
)


@pytest.fixture
def owner(database: DatabaseSettings) -> Iterator[psycopg.Connection]:
    role = sql.Identifier(ACCOUNT)
    with psycopg.connect(database.libpq_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'a-password-for-tests'").format(role))
        give_back(connection)
        yield connection
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (ACCOUNT,)
        )
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture
def account(owner: psycopg.Connection, database: DatabaseSettings) -> Iterator[Engine]:
    at = owner.info
    url = f"postgresql://{ACCOUNT}:a-password-for-tests@{at.host}:{at.port}/{at.dbname}"
    engine = make_engine(DatabaseSettings(database_url=url), "tests")
    yield engine
    engine.dispose()


def give_back(owner: psycopg.Connection) -> None:
    for statement in GIVEN:
        owner.execute(sql.SQL(statement).format(role=sql.Identifier(ACCOUNT)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (f"REVOKE UPDATE ON generation.batches FROM {ACCOUNT}", "may not read and write generation.batches"),
        (f"REVOKE INSERT ON public.exam_sessions FROM {ACCOUNT}", "may not read and write exam_sessions"),
        ("ALTER TABLE public.exam_sessions ENABLE ROW LEVEL SECURITY", "hides the rows of exam_sessions"),
    ],
)
def test_an_api_that_may_not_write_for_callers_is_not_ready_until_it_may_again(
    owner: psycopg.Connection, account: Engine, change: str, says: str
) -> None:
    log = EventLog(account)
    log.require_writes()
    owner.execute(change.encode())

    with pytest.raises(DatabaseStruggling, match=says) as refused:
        log.require_writes()

    assert refused.value.remedy.startswith("As the owner")
    give_back(owner)
    log.require_writes()


def test_an_api_stays_ready_without_the_rights_that_only_workers_use(
    owner: psycopg.Connection, account: Engine
) -> None:
    """What is written can be read meanwhile."""
    owner.execute(f"REVOKE INSERT ON generation.questions FROM {ACCOUNT}".encode())

    EventLog(account).require_writes()

    with account.connect() as connection:
        assert read_privileges(connection).refused == ("generation.questions",)


def test_the_retention_needs_to_delete_from_our_tables_and_from_none_of_the_web_app(
    owner: psycopg.Connection, account: Engine
) -> None:
    with account.connect() as connection:
        assert read_privileges(connection).lacks is None
        owner.execute(f"REVOKE DELETE ON generation.events FROM {ACCOUNT}".encode())
        assert read_privileges(connection).refused == ("generation.events",)


def test_a_job_that_may_not_do_its_work_logs_the_words_of_postgres_and_the_remedy(
    owner: psycopg.Connection, account: Engine
) -> None:
    owner.execute(f"REVOKE UPDATE ON generation.batches FROM {ACCOUNT}".encode())
    tried = threading.Event()

    def sweep() -> None:
        tried.set()
        with account.begin() as connection:
            connection.execute(text("UPDATE generation.batches SET runs = 0"))

    job = Periodic("sweep", period_s=60, action=sweep)
    with capture_logs() as logs:
        job.start()
        assert tried.wait(20)
        job.stop()
        job.join(20)

    [failed] = [line for line in logs if line["event"] == "periodic_failed"]
    assert failed["says"] == "permission denied for table batches"
    assert failed["remedy"].startswith("As the owner")
