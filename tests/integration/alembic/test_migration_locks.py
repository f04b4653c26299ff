"""Migrations do not block users of a table: these tests inspect every statement that they send."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event

from tests.integration.alembic.conftest import Alembic

_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON ([\w.]+)")
_CHECK = re.compile(r"ALTER TABLE ([\w.]+) ADD CONSTRAINT (?!.* NOT VALID).*(?:CHECK|FOREIGN KEY)")
_REWRITE = re.compile(r"(?:UPDATE|DELETE FROM) ((?!generation\.alembic_version)[\w.]+)")


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every statement of this process during the test."""
    statements: list[str] = []

    def record(*arguments: object) -> None:
        statements.append(" ".join(str(arguments[2]).split()))

    event.listen(Engine, "before_cursor_execute", record)
    yield statements
    event.remove(Engine, "before_cursor_execute", record)


def blocking(statements: list[str]) -> list[str]:
    """The statements that lock an existing table for a time that grows with its size."""
    made = {table for statement in statements for table in re.findall(r"^CREATE TABLE ([\w.]+)", statement)}
    return [
        statement
        for statement in statements
        for rule in (_INDEX, _CHECK, _REWRITE)
        for table in rule.findall(statement)
        if table not in made
    ]


def test_no_step_locks_a_table_for_as_long_as_it_is_large(alembic: Alembic, statements: list[str]) -> None:
    alembic("upgrade", "0002")
    statements.clear()
    alembic("upgrade", "head")
    assert [statement for statement in statements if "CREATE INDEX CONCURRENTLY" in statement]
    assert blocking(statements) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX x ON generation.batches (owner)",
        "CREATE UNIQUE INDEX x ON generation.batches (owner)",
        "ALTER TABLE generation.batches ADD CONSTRAINT x CHECK (runs > 0)",
        "UPDATE generation.attempts SET usage_source = 'reported'",
    ],
)
def test_a_step_that_locks_a_large_table_is_detected(statement: str) -> None:
    assert blocking([statement]) == [statement]
    table = re.findall(r"generation\.\w+", statement)[0]
    assert blocking([f"CREATE TABLE {table} (id uuid)", statement]) == [], "a new table is not in use yet"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY x ON generation.batches (owner)",
        "ALTER TABLE generation.batches ADD CONSTRAINT x CHECK (runs > 0) NOT VALID",
        "UPDATE generation.alembic_version SET version_num='0007'",
    ],
)
def test_a_step_that_does_not_is_accepted(statement: str) -> None:
    assert blocking([statement]) == []
