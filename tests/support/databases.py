"""Databases for tests: migrated once into a template, then cloned, which costs a few milliseconds."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

_PROJECT = Path(__file__).parents[2]


class Databases:
    """Makes databases on a server and drops all of them in the end."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._template: str | None = None

    def __enter__(self) -> Self:
        self._admin = psycopg.connect(self._server_url, autocommit=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._template is not None:
            self._drop(self._template)
        self._admin.close()

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database without a table."""
        with self._made_from("template0") as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a database as `alembic upgrade head` leaves it."""
        with self._made_from(self._template or self._make_template()) as url:
            yield url

    @contextmanager
    def _made_from(self, template: str) -> Iterator[str]:
        name = self._create(template)
        try:
            yield self._url_of(name)
        finally:
            self._drop(name)

    def _make_template(self) -> str:
        name = self._create("template0")
        self._template = name
        upgrade(self._url_of(name))
        return name

    def _create(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}"), name, template)
        return name

    def _drop(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"), name)

    def _execute(self, statement: sql.SQL, *names: str) -> None:
        self._admin.execute(statement.format(*map(sql.Identifier, names)))

    def _url_of(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))


def upgrade(database_url: str) -> None:
    """Bring a database to the newest revision, with the same command that operators use."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=_PROJECT,
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"alembic upgrade head failed:\n{done.stderr}"
