"""What the database saw: every change of a lease and every write, recorded in the transaction that made it.

Triggers that only this program installs, in its own database. A change that is rolled back leaves no
trace, and the rows of one batch are in the order of its commits, because each is written while the batch's
row is locked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row

from tools.chaos.model import Change, Write

_INSTALL = """
CREATE SCHEMA chaos;
CREATE SEQUENCE chaos.turn;
CREATE TABLE chaos.changes (
  turn bigint PRIMARY KEY, at timestamptz NOT NULL, session_id uuid NOT NULL, batch_index int NOT NULL,
  epoch bigint NOT NULL, status text NOT NULL, owner text, lease_until timestamptz, last_error text);
CREATE TABLE chaos.writes (
  turn bigint PRIMARY KEY, at timestamptz NOT NULL, kind text NOT NULL, session_id uuid NOT NULL,
  batch_index int NOT NULL, position int NOT NULL, epoch bigint);

CREATE FUNCTION chaos.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR (OLD.epoch, OLD.status, OLD.owner, OLD.lease_until)
      IS DISTINCT FROM (NEW.epoch, NEW.status, NEW.owner, NEW.lease_until) THEN
    INSERT INTO chaos.changes VALUES (nextval('chaos.turn'), clock_timestamp(), NEW.session_id,
      NEW.batch_index, NEW.epoch, NEW.status, NEW.owner, NEW.lease_until, NEW.last_error);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_change AFTER INSERT OR UPDATE ON generation.batches
  FOR EACH ROW EXECUTE FUNCTION chaos.note_change();

CREATE FUNCTION chaos.note_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE row_ record;
BEGIN
  row_ := coalesce(NEW, OLD);
  INSERT INTO chaos.writes SELECT nextval('chaos.turn'), clock_timestamp(), lower(TG_OP), row_.session_id,
    row_.batch_index, row_.position, (SELECT epoch FROM generation.attempts WHERE id = row_.attempt_id);
  RETURN NULL;
END $$;
CREATE TRIGGER note_write AFTER INSERT OR UPDATE OF position, fingerprint, content OR DELETE ON generation.questions
  FOR EACH ROW EXECUTE FUNCTION chaos.note_write();
"""

_CHANGES = """
SELECT turn, at, session_id::text, batch_index, epoch, status, owner, lease_until, last_error
FROM chaos.changes ORDER BY turn
"""

_WRITES = """
SELECT turn, at, kind, session_id::text, batch_index, position, epoch FROM chaos.writes ORDER BY turn
"""


def install(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_INSTALL)


def changes(url: str) -> list[Change]:
    with psycopg.connect(url) as connection, connection.cursor(row_factory=class_row(Change)) as cursor:
        return cursor.execute(_CHANGES).fetchall()


def writes(url: str) -> list[Write]:
    with psycopg.connect(url) as connection, connection.cursor(row_factory=class_row(Write)) as cursor:
        return cursor.execute(_WRITES).fetchall()


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def keep(path: Path, history: Iterable[Change | Write]) -> None:
    """The whole history as JSON lines, for a later check."""
    with path.open("w") as file:
        for entry in sorted(history, key=lambda entry: entry.turn):
            file.write(json.dumps(asdict(entry), default=str) + "\n")
