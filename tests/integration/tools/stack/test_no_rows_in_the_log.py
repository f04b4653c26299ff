"""What an error would quote of a row, or of a statement with it, stays out of the log of Postgres."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tools.stack.embedded import EmbeddedPostgres
from tools.stack.processes import PROJECT

QUESTION = "SECRETSTEM"


class AsInCompose(EmbeddedPostgres):
    """Started as compose starts it, but for where it listens."""

    def _command(self, port: int) -> list[str]:
        compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
        _, *given = compose["services"]["postgres"].get("command", ["postgres"])
        mine = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        return [str(self.program.path), "-D", str(self._data), *given, *mine]


@pytest.fixture(params=[EmbeddedPostgres, AsInCompose])
def logged(request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    """The URL of a server, and its log."""
    with request.param(durable=False) as server:
        yield server.url, server.home.path / "server.log"


TABLES = """
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE kept (
    stem text UNIQUE CHECK (stem <> 'x' || body), body text NOT NULL CHECK (length(body) < 20),
    parent int REFERENCES parent, part int
);
CREATE TABLE parts (n int, stem text) PARTITION BY RANGE (n);
CREATE FUNCTION slow(stem text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(5); RETURN stem; END $$;
"""
STATEMENTS: list[tuple[str, list[Any]]] = [
    ("INSERT INTO kept VALUES (%s, 'a')", [QUESTION]),
    ("INSERT INTO kept VALUES (%s, 'b')", [QUESTION]),  # unique: DETAIL Key (stem)=(...)
    ("INSERT INTO kept VALUES ('y', %s)", [QUESTION * 3]),  # check: DETAIL Failing row contains
    ("INSERT INTO kept VALUES (%s, NULL)", [QUESTION + "2"]),  # not null: the same
    ("INSERT INTO kept VALUES (%s, 'c', 7)", [QUESTION + "3"]),  # foreign key, and the statement
    ("INSERT INTO parts VALUES (1, %s)", [QUESTION]),  # no partition: DETAIL of the row's key
    (f"INSERT INTO kept VALUES ('{QUESTION}', 'd')", []),  # in the statement
    (f"SELEC '{QUESTION}'", []),  # a syntax error, with the statement
    ("SELECT %s::jsonb", [f'{{"stem": "{QUESTION}" ']),  # CONTEXT: JSON data, line 1
    ("SELECT slow(%s)", [QUESTION]),  # cut by a timeout: the statement and its parameters
]


def test_no_error_brings_a_row_into_the_log(logged: tuple[str, Path]) -> None:
    url, log = logged
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute("SET statement_timeout = '200ms'")
        refused = 0
        for statement, values in STATEMENTS:
            try:
                connection.execute(statement.encode(), values or None, prepare=bool(values))
            except psycopg.Error:
                refused += 1
        assert refused == len(STATEMENTS) - 1
        with contextlib.suppress(psycopg.Error):
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    text = log.read_text(errors="replace")
    assert "violates check constraint" in text
    assert QUESTION not in text
