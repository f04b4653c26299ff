"""The events of a session: committed facts with a sequence number, written in the transaction of the fact.

The counter is in the session's plans row, whose lock makes the numbers appear in order and without gaps:
after a reader has seen number n, no smaller number appears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.engine import committing_each, read_only
from db.errors import DatabaseStruggling
from db.notify import CHANNEL
from db.privileges import GRANTS_REMEDY, read_privileges
from db.published_question import content_with_change
from db.tables import WEB_APP_TABLES, batches, events, idempotency_keys, plans, questions, slots
from generation.model import EventKind


@dataclass(frozen=True, slots=True)
class Event:
    seq: int  #: 1-based in the session, without gaps
    kind: EventKind
    payload: Mapping[str, Any]  #: ids, positions and codes; never an answer
    created_at: datetime
    #: The question of a `question` event, with its answer: redact it before a student sees it.
    question: Mapping[str, Any] | None = None


#: Needs our tables and the right to read them, and reads nothing.
_OURS = select(plans.c.last_seq).limit(0)

#: What every exam needs. Without rights that only workers use, what is written can still be read.
_WRITTEN_FOR_CALLERS = (*WEB_APP_TABLES.values(), plans, slots, batches, events, idempotency_keys)


class EventLog:
    """Reads the events. Every method is one short query."""

    def __init__(self, engine: Engine) -> None:
        self._engine = committing_each(engine)

    def after(self, session_id: UUID, seq: int, limit: int = 100) -> list[Event]:
        """The events after number `seq`, in order; at most `limit`."""
        values = {"session": session_id, "seen": seq, "limit": limit}
        with self._engine.connect() as connection:
            return [_event(row) for row in connection.execute(_AFTER, values)]

    def ping(self) -> None:
        """Raise ProgrammingError when our tables do not exist, and DatabaseUnreachable without Postgres."""
        with self._engine.connect() as connection:
            connection.execute(_OURS)

    def require_writes(self) -> None:
        """Raise as `ping`, and DatabaseStruggling when Postgres, or what our account may do, refuses callers' writes."""
        with self._engine.connect() as connection:
            connection.execute(_OURS)
            is_read_only = text("SELECT current_setting('transaction_read_only') = 'on'")
            if connection.execute(is_read_only).scalar_one():
                raise read_only()
            privileges = read_privileges(connection, _WRITTEN_FOR_CALLERS)
            if privileges.lacks is not None:
                sentence = f"The account {privileges.account} cannot serve callers: {privileges.lacks}."
                raise DatabaseStruggling(sentence, remedy=GRANTS_REMEDY)

    def changed(self, seen: Mapping[UUID, int]) -> dict[UUID, int]:
        """The last number of each session that has a later one than `seen`.

        Readers ask for thousands of sessions twice a second; nearly all are unchanged, and return no row.
        """
        arrays = {"ids": list(seen), "numbers": list(seen.values())}
        with self._engine.connect() as connection:
            return {row.session_id: row.last_seq for row in connection.execute(_CHANGED, arrays)}


_is_its_question = and_(
    events.c.kind == EventKind.QUESTION,
    questions.c.session_id == events.c.session_id,
    questions.c.position == events.c.payload["position"].as_integer(),
)

_AFTER = (
    select(events, content_with_change().label("content"))
    .select_from(events.outerjoin(questions, _is_its_question))
    .where(events.c.session_id == bindparam("session"), events.c.seq > bindparam("seen"))
    .order_by(events.c.seq)
    .limit(bindparam("limit"))
)

_CHANGED = text(
    "SELECT plans.session_id, plans.last_seq "
    "FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS bigint[])) AS seen (id, number) "
    "JOIN generation.plans ON plans.session_id = seen.id WHERE plans.last_seq > seen.number"
)


def _event(row: Row[Any]) -> Event:
    question = None if row.content is None else {**row.content, "position": row.payload["position"]}
    return Event(row.seq, EventKind(row.kind), row.payload, row.created_at, question)


def record(connection: Connection, session_id: UUID, kind: EventKind, payload: Mapping[str, Any]) -> None:
    """Write one event and notify its readers at commit. Locks the plans row until then."""
    connection.execute(_recording(kind), {"in_session": session_id, "in_payload": dict(payload)})


@cache
def _recording(kind: EventKind) -> Select[Any]:
    one = select(literal(1).label("one")).cte("one")
    payload = bindparam("in_payload", type_=JSONB)
    return wake_for(event_of(one, bindparam("in_session", type_=Uuid), kind, payload))


def event_of(source: CTE, session_id: Any, kind: EventKind, payload: ColumnElement[Any]) -> CTE:
    """A CTE that inserts an event, but only if `source` yields its one row."""
    counted = (
        update(plans)
        .where(plans.c.session_id == session_id, select(source).exists())
        .values(last_seq=plans.c.last_seq + 1, updated_at=func.now())
        .returning(plans.c.session_id, plans.c.last_seq)
        .cte("counted")
    )
    row = select(counted.c.session_id, counted.c.last_seq, literal(kind.value), payload)
    return (
        insert(events)
        .from_select(["session_id", "seq", "kind", "payload"], row)
        .returning(events.c.session_id)
        .cte("event")
    )


def wake_for(event: CTE) -> Select[Any]:
    """The end of such a statement: NOTIFY if an event was inserted."""
    return select(func.pg_notify(CHANNEL, cast(event.c.session_id, Text)))
