"""Erases one user: everything of theirs in our tables, and what we wrote into the web app's rows.

The ledger's rows stay for their sums, under no session. The web app's rows stay, with their ids, user and scores:
they are its own to delete.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Table, delete, func, or_, select, text, update

from db.ledger import NOBODY, OPEN
from db.sessions import SessionStore
from db.tables import (
    WEB_APP_TABLES,
    attempts,
    batches,
    events,
    idempotency_keys,
    plans,
    questions,
    reports,
    reviews,
    slots,
)
from generation.errors import SessionMissing

#: How long erasing waits for calls in flight, whose runs stop when their session is cancelled.
CALLS_END_WITHIN_S = 30.0
_LOOK_AGAIN_S = 0.5

_OF_A_SESSION = (slots, questions, batches, events, reports, reviews)


@dataclass(frozen=True, slots=True)
class Erased:
    sessions: tuple[UUID, ...]  #: every session of the user, also those that only the web app knows
    deleted: dict[str, int]  #: rows by table of ours
    attempts: int  #: rows of the ledger that name no session any more
    blanked: dict[str, int]  #: the web app's rows whose questions we removed, by table
    left: dict[str, int]  #: the web app's rows that name the user, by table


class Erasure:
    """Erases users. Each session is a short transaction of its own; an interrupted erasure is run again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = SessionStore(engine)

    def erase(self, user_id: UUID, *, wait_s: float = CALLS_END_WITHIN_S) -> Erased:
        """Cancel the user's sessions, wait for their calls in flight at most `wait_s`, and erase everything.

        May be repeated; a second time it finds nothing. A call that is still in flight after `wait_s` is of a
        worker that is gone. Block the user in the web app first, or they create sessions meanwhile.
        """
        found = self._sessions_of(user_id)
        for session_id in found:
            with suppress(SessionMissing):
                self._sessions.cancel(session_id)
        self._wait_for_calls(found, wait_s)
        deleted, blanked = Counter[str](), Counter[str]()
        anonymous = 0
        for session_id in found:
            with self._engine.begin() as connection:
                blanked.update(_blank(connection, session_id))
                anonymous += _make_anonymous(connection, session_id)
                deleted.update(_delete_session(connection, session_id))
        with self._engine.begin() as connection:
            deleted["idempotency_keys"] = _delete_keys(connection, user_id, found)
            left = {table.name: _rows(connection, table, user_id) for table in WEB_APP_TABLES.values()}
        return Erased(tuple(found), deleted, anonymous, blanked, left)

    def _sessions_of(self, user_id: UUID) -> list[UUID]:
        tables = (plans, *WEB_APP_TABLES.values())
        with self._engine.connect() as connection:
            rows = [
                connection.execute(select(_id_of(table)).where(table.c.user_id == user_id)).scalars().all()
                for table in tables
            ]
        return sorted({session_id for each in rows for session_id in each})

    def _wait_for_calls(self, sessions: Sequence[UUID], wait_s: float) -> None:
        open_calls = select(func.count()).where(
            attempts.c.session_id.in_(sessions), attempts.c.outcome == OPEN
        )
        deadline = time.monotonic() + wait_s
        while sessions and time.monotonic() < deadline:
            with self._engine.connect() as connection:
                if connection.execute(open_calls).scalar_one() == 0:
                    return
            time.sleep(_LOOK_AGAIN_S)


def _id_of(table: Table) -> Any:
    return table.c.session_id if table is plans else table.c.id


def _blank(connection: Connection, session_id: UUID) -> dict[str, int]:
    """Remove what we wrote into the web app's row. Its lock comes first, as in every transaction."""
    blank = {
        "questions": [],
        "generated_batches": 0,
        "generation_context": {},
        "generation_in_progress": False,
    }
    blanked = {}
    for table in WEB_APP_TABLES.values():
        is_written = or_(
            table.c.questions != text("'[]'::jsonb"),
            table.c.generation_context != text("'{}'::jsonb"),
            table.c.generated_batches != 0,
        )
        changed = update(table).where(table.c.id == session_id, is_written).values(blank)
        blanked[table.name] = connection.execute(changed).rowcount
    return blanked


def _make_anonymous(connection: Connection, session_id: UUID) -> int:
    """The day's and the month's sums stay exact; the provider's ids of the calls go."""
    nobody = {"session_id": NOBODY, "batch_index": 0, "request_id": None, "message_id": None}
    return connection.execute(
        update(attempts).where(attempts.c.session_id == session_id).values(nobody)
    ).rowcount


def _delete_session(connection: Connection, session_id: UUID) -> dict[str, int]:
    counted = {
        table.name: connection.execute(
            select(func.count()).select_from(table).where(table.c.session_id == session_id)
        ).scalar_one()
        for table in _OF_A_SESSION
    }
    # What hangs on the plan goes with it.
    gone = connection.execute(delete(plans).where(plans.c.session_id == session_id)).rowcount
    return {"plans": gone} | counted


def _delete_keys(connection: Connection, user_id: UUID, sessions: Collection[UUID]) -> int:
    theirs = or_(idempotency_keys.c.user_id == user_id, idempotency_keys.c.session_id.in_(sessions))
    return connection.execute(delete(idempotency_keys).where(theirs)).rowcount


def _rows(connection: Connection, table: Table, user_id: UUID) -> int:
    query = select(func.count()).select_from(table).where(table.c.user_id == user_id)
    return connection.execute(query).scalar_one()
