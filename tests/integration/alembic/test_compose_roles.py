"""The account that compose's `roles.sql` makes may do what the code does, and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from db.batches import BatchStore
from db.engine import make_engine
from db.sessions import SessionStore
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import STUDENT, exam_plan, make_ready
from tests.support.databases import upgrade
from tools.stack.embedded import EmbeddedPostgres
from tools.stack.embedded_programs import find_program
from tools.stack.processes import PROJECT
from worker.doctor import Health, examine_postgres


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, str]]:
    """The owner's and the account's, on a server that was made as compose makes it, and migrated."""
    with EmbeddedPostgres(durable=False) as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as admin:
            admin.execute("CREATE DATABASE tafawoq")
        parts = urlsplit(postgres.url)
        owner = urlunsplit(parts._replace(path="/tafawoq"))
        psql = find_program(EmbeddedPostgres.kind, None).companion("psql")
        subprocess.run(
            [str(psql), "-v", "ON_ERROR_STOP=1", "-f", str(PROJECT / "ops/postgres/roles.sql"), owner],
            env={**os.environ, "POSTGRES_APP_PASSWORD": "secret"},
            check=True,
        )
        upgrade(owner)
        account = parts._replace(netloc=f"tafawoq_app:secret@{parts.hostname}:{parts.port}", path="/tafawoq")
        yield owner, urlunsplit(account)


def test_the_account_does_all_that_the_code_does(urls: tuple[str, str]) -> None:
    engine = make_engine(DatabaseSettings(database_url=urls[1]), "tests")
    sessions = SessionStore(engine)
    session_id = sessions.create(STUDENT, exam_plan(), idempotency_key="k").session_id
    make_ready(BatchStore(engine), session_id, 0)
    BatchStore(engine).sweep(10, 10)
    sessions.cancel(session_id)
    sessions.publish_endings(10)
    assert all(finding.health is Health.WELL for finding in examine_postgres(engine))
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE generation.alembic_version SET version_num = '0001'",
        "DELETE FROM exam_sessions",
        "TRUNCATE generation.plans",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE generation.mine (id int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE generation.plans ADD COLUMN mine int",
        "CREATE ROLE mine",
        "COPY generation.plans TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_the_account_does_nothing_else(urls: tuple[str, str], statement: str) -> None:
    with psycopg.connect(urls[1]) as account, pytest.raises(psycopg.errors.InsufficientPrivilege):
        account.execute(statement.encode())
