"""Deletes rows that are older than their table's retention time, in steps that take no lock for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    any_,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)

from db.tables import WEB_APP_TABLES, attempts, batches, corrections, events, idempotency_keys, plans, reports
from generation.model import BatchStatus
from runtime.retention_settings import RetentionSettings

#: A session has some 300 rows in our tables; a step of these takes well below a second.
SESSIONS_A_STEP = 50
ROWS_A_STEP = 1000


class RetentionStore:
    """Every step is one short transaction. Steps may run at the same time in many processes."""

    def __init__(self, engine: Engine, settings: RetentionSettings) -> None:
        self._engine = engine
        self._steps: dict[str, Callable[[Connection], int]] = {
            "sessions": lambda on: _forget_sessions(on, settings.retain_sessions_days),
            "events": lambda on: _forget(on, events, events.c.created_at, settings.retain_events_days),
            "reports": lambda on: _forget(on, reports, reports.c.created_at, settings.retain_reports_days),
            "attempts": lambda on: _forget(on, attempts, attempts.c.opened_at, settings.retain_attempts_days),
            "corrections": lambda on: _forget(
                on, corrections, corrections.c.day, settings.retain_corrections_days
            ),
            "idempotency_keys": lambda on: _forget(
                on, idempotency_keys, idempotency_keys.c.created_at, settings.retain_idempotency_keys_days
            ),
        }

    def forget(self) -> dict[str, int]:
        """Take one step in every table; returns the deleted rows by table, `sessions` for plans and what hangs on them."""
        forgotten = {}
        for name, step in self._steps.items():
            with self._engine.begin() as connection:
                forgotten[name] = step(connection)
        return forgotten


def _forget(connection: Connection, table: Table, age: Any, days: int) -> int:
    place: ColumnElement[Any] = literal_column("ctid")  # finds a row without an index
    old = (
        select(place)
        .select_from(table)
        .where(age < func.now() - _days(days))
        .limit(ROWS_A_STEP)
        .with_for_update(skip_locked=True)
    )
    is_old = place == any_(func.array(old.scalar_subquery()))
    return connection.execute(delete(table).where(is_old)).rowcount


def _forget_sessions(connection: Connection, days: int) -> int:
    """Sessions in which nothing has moved. The web app's row stays, and says that it is not being generated."""
    before = func.now() - _days(days)
    is_held = (
        select(batches.c.batch_index)
        .where(
            batches.c.session_id == plans.c.session_id,
            batches.c.status == BatchStatus.RUNNING,
            batches.c.lease_until > func.now(),
        )
        .exists()
    )
    is_old = and_(
        plans.c.created_at < before,  # by its index
        plans.c.updated_at < before,
        func.coalesce(plans.c.moved_at, plans.c.updated_at) < before,
        func.coalesce(plans.c.reserved_until, plans.c.updated_at) < func.now(),
        ~is_held,
    )
    found = select(plans.c.session_id).where(is_old).order_by(plans.c.created_at).limit(SESSIONS_A_STEP)
    ids = list(connection.execute(found).scalars())
    if not ids:
        return 0
    for table in WEB_APP_TABLES.values():  # locked first, as in every transaction
        connection.execute(
            update(table)
            .where(table.c.id.in_(ids), table.c.generation_in_progress)
            .values(generation_in_progress=False)
        )
    return connection.execute(delete(plans).where(plans.c.session_id.in_(ids), is_old)).rowcount


def _days(days: int) -> Any:
    return literal(timedelta(days=days))
