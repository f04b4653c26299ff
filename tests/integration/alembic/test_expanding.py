"""Migrations only add: what older code reads and writes still exists, and it need not set anything new."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.integration.alembic.conftest import Alembic, Db

PROJECT = Path(__file__).parents[3]

#: From the first with tables of ours to the newest.
REVISIONS = [
    step.revision
    for step in reversed(list(ScriptDirectory.from_config(Config(PROJECT / "alembic.ini")).walk_revisions()))
][1:]

_COLUMNS = """
    SELECT c.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AS demanded, a.atthasdef OR a.attidentity <> '' AS given
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = ANY (ARRAY['generation', 'public']::regnamespace[])
      AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'"""

_RULES = """
    SELECT conrelid::regclass || ' ' || conname AS name, pg_get_constraintdef(oid) AS rule,
           ARRAY(SELECT conrelid::regclass::text || '.' || attname FROM pg_attribute
                 WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS about
    FROM pg_constraint
    WHERE connamespace = ANY (ARRAY['generation', 'public']::regnamespace[])"""

_UNIQUE = """
    SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE indisunique AND relnamespace = ANY (ARRAY['generation', 'public']::regnamespace[])
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""


@dataclass(frozen=True)
class Tables:
    """The schema that a release sees: columns with type, NOT NULL and default; constraints with their columns."""

    columns: dict[str, tuple[object, bool, bool]]
    rules: dict[str, tuple[object, frozenset[str]]]
    unique: frozenset[object]


def tables(db: Db) -> Tables:
    return Tables(
        {str(r["name"]): (r["type"], bool(r["demanded"]), bool(r["given"])) for r in db.execute(_COLUMNS)},
        {str(r["name"]): (r["rule"], frozenset(map(str, r["about"]))) for r in db.execute(_RULES)},  # type: ignore[call-overload]  # an array of texts
        frozenset(r["name"] for r in db.execute(_UNIQUE)),
    )


def test_every_step_keeps_what_the_release_before_it_uses(alembic: Alembic, db: Db) -> None:
    alembic("upgrade", REVISIONS[0])
    before = tables(db)
    assert len(before.columns) > 40
    for revision in REVISIONS[1:]:
        alembic("upgrade", revision)
        after = tables(db)
        assert taken_away(before, after) == []
        assert demanded(before, after) == []
        before = after


def taken_away(before: Tables, after: Tables) -> list[str]:
    """Columns that are missing, have another type, or are stricter."""
    return [
        name
        for name, (kind, was_demanded, was_given) in before.columns.items()
        if name not in after.columns
        or after.columns[name][0] != kind
        or (after.columns[name][1] and not was_demanded)
        or (was_given and not after.columns[name][2])
    ]


def demanded(before: Tables, after: Tables) -> list[object]:
    """What older code would have to know: required values without a default, and new constraints on its columns."""
    values = [
        name
        for name, (_, is_demanded, is_given) in after.columns.items()
        if name not in before.columns
        and _table(name) in map(_table, before.columns)
        and is_demanded
        and not is_given
    ]
    rules = [
        name
        for name, (rule, about) in after.rules.items()
        if before.rules.get(name, (rule, about))[0] != rule
        or (name not in before.rules and about and about <= _known(before))
    ]
    return [*values, *rules, *(after.unique - before.unique)]


def _known(before: Tables) -> set[str]:
    """The columns as constraints name them: with the schema, unless it is public."""
    return {prefix + name for name in before.columns for prefix in ("", "generation.")}


def _table(column: str) -> str:
    return column.rpartition(".")[0]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE generation.plans DROP COLUMN student_position",
        "ALTER TABLE generation.plans ALTER COLUMN total_questions TYPE bigint",
        "ALTER TABLE generation.batches ALTER COLUMN owner SET NOT NULL",
        "ALTER TABLE generation.batches ALTER COLUMN epoch DROP DEFAULT",
        "ALTER TABLE generation.batches ADD COLUMN region text NOT NULL",
        "ALTER TABLE generation.batches ADD CONSTRAINT x CHECK (runs < 3)",
        "CREATE UNIQUE INDEX x ON generation.batches (owner)",
    ],
)
def test_a_step_that_breaks_the_release_before_it_is_noticed(
    alembic: Alembic, db: Db, statement: str
) -> None:
    alembic("upgrade", "head")
    before = tables(db)
    db.execute(statement.encode())
    after = tables(db)
    assert taken_away(before, after) + demanded(before, after)
