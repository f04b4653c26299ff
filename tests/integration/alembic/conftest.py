from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from psycopg.rows import dict_row

from alembic import command
from runtime.settings import DatabaseSettings

PROJECT = Path(__file__).parents[3]

Alembic = Callable[..., str]
Shell = Callable[..., "subprocess.CompletedProcess[str]"]
Db = psycopg.Connection[dict[str, object]]


@pytest.fixture
def alembic(empty_database: DatabaseSettings) -> Alembic:
    """Runs an Alembic command in this process, which is quicker; returns its output. Raises CommandError."""

    def run(name: str, *arguments: str) -> str:
        output = StringIO()
        config = Config(PROJECT / "alembic.ini", stdout=output, attributes={"database": empty_database})
        getattr(command, name)(config, *arguments)
        return output.getvalue()

    return run


@pytest.fixture
def shell(empty_database: DatabaseSettings, tmp_path: Path) -> Shell:
    """The operators' command, run from another directory."""

    def run(*arguments: str, url: str = empty_database.database_url) -> subprocess.CompletedProcess[str]:
        with start(url, tmp_path, *arguments) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


def start(url: str, where: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", "-c", str(PROJECT / "alembic.ini"), *arguments],
        cwd=where,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def db(empty_database: DatabaseSettings) -> Iterator[Db]:
    with psycopg.connect(empty_database.libpq_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection
