"""Events in order, and the notification that wakes their readers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text

from db.batches import BatchStore
from db.errors import DatabaseUnreachable
from db.events import EventLog, record
from db.notify import CHANNEL, Listener
from db.sessions import SessionStore
from generation.model import EventKind
from runtime.settings import DatabaseSettings
from tests.integration.db.exams import claimed, fill, new_session, question_for
from tests.integration.db.races import at_once, while_held

LONG_S = 10.0


def test_events_are_numbered_without_gaps_whoever_writes_them(
    engine: Engine, log: EventLog, session_id: UUID
) -> None:
    def write() -> None:
        with engine.begin() as connection:
            record(connection, session_id, EventKind.SESSION, {"status": "in_progress"})

    at_once([write] * 8)
    assert [event.seq for event in log.after(session_id, 0)] == list(range(1, 10))


def test_a_smaller_number_never_appears_after_a_larger_one(
    engine: Engine, log: EventLog, session_id: UUID
) -> None:
    """The second writer waits for the first to commit, so a reader's cursor skips no event."""

    def first(connection: Connection) -> None:
        record(connection, session_id, EventKind.SESSION, {"by": "first"})

    def second() -> None:
        with engine.begin() as connection:
            record(connection, session_id, EventKind.SESSION, {"by": "second"})

    with while_held(engine, first, second) as later:
        later.result()
    assert [event.payload.get("by") for event in log.after(session_id, 1)] == ["first", "second"]


def test_a_rolled_back_event_leaves_no_gap(engine: Engine, log: EventLog, session_id: UUID) -> None:
    with engine.connect() as connection:
        record(connection, session_id, EventKind.SESSION, {"status": "paused"})
        connection.rollback()
    with engine.begin() as connection:
        record(connection, session_id, EventKind.SESSION, {"status": "in_progress"})

    assert [event.seq for event in log.after(session_id, 0)] == [1, 2]


def test_a_reader_gets_the_events_after_its_cursor_page_by_page(
    store: BatchStore, log: EventLog, session_id: UUID
) -> None:
    fill(store, claimed(store, session_id))

    page = log.after(session_id, 1, limit=2)
    assert [event.payload for event in page] == [{"position": 0}, {"position": 1}]
    assert [event.payload for event in log.after(session_id, page[-1].seq)] == [{"position": 2}]
    assert log.after(session_id, 4) == []


def test_a_question_event_comes_with_its_question_and_no_other_does(
    store: BatchStore, log: EventLog, session_id: UUID
) -> None:
    """A reader that streams questions needs no second query for each."""
    claim = claimed(store, session_id)
    fill(store, claim)
    store.finish(claim)

    found = log.after(session_id, 0)
    assert [event.question and event.question["position"] for event in found] == [None, 0, 1, 2, None]
    assert found[2].question == question_for(claim.open_slots[1]).content() | {"position": 1}
    assert all("stem" not in event.payload for event in found)


def test_an_unknown_session_has_no_events(log: EventLog) -> None:
    assert log.after(uuid4(), 0) == []


def test_a_listener_is_notified_of_an_accepted_question_when_it_is_committed(
    database: DatabaseSettings, sessions: SessionStore, store: BatchStore, session_id: UUID
) -> None:
    claim = claimed(store, session_id)
    with Listener(database) as listener, ThreadPoolExecutor(1) as pool:
        received = pool.submit(listener.wait, LONG_S)
        store.accept(claim, question_for(claim.open_slots[0]), uuid4(), "claude")
        assert received.result() == {session_id}

        made = {new_session(sessions) for _ in range(3)}
        assert _hear_all(listener, made) == made


def test_a_listener_is_not_notified_of_a_rolled_back_event(
    engine: Engine, database: DatabaseSettings, session_id: UUID
) -> None:
    with Listener(database) as listener:
        with engine.connect() as connection:
            record(connection, session_id, EventKind.SESSION, {"status": "paused"})
            connection.rollback()
        assert listener.wait(0.05) == frozenset()


def test_a_listener_ignores_a_payload_that_is_no_session_id(
    engine: Engine, database: DatabaseSettings, sessions: SessionStore
) -> None:
    with Listener(database) as listener:
        with engine.begin() as connection:
            connection.execute(text(f"NOTIFY {CHANNEL}, 'somebody else'"))
        made = new_session(sessions)
        assert listener.wait(LONG_S) | listener.wait(LONG_S) == {made}


def test_a_server_that_refuses_listen_counts_as_unreachable_and_its_connection_is_closed(
    database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a standby does, which accepts connections and refuses LISTEN."""
    opened = []

    class Refusing(psycopg.Connection[Any]):
        def execute(self, *_: Any, **__: Any) -> Any:
            opened.append(self)
            raise psycopg.errors.ReadOnlySqlTransaction

    monkeypatch.setattr(psycopg, "connect", Refusing.connect)
    with pytest.raises(DatabaseUnreachable):
        Listener(database)
    [connection] = opened
    assert connection.closed


def test_a_listener_whose_connection_breaks_raises(engine: Engine, database: DatabaseSettings) -> None:
    with Listener(database) as listener:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'tafawoq-listener'"
                )
            )
        with pytest.raises(DatabaseUnreachable):
            _listen_until_it_breaks(partial(listener.wait, 0.2))


def _hear_all(listener: Listener, wanted: set[UUID]) -> set[UUID]:
    received: set[UUID] = set()
    while not wanted <= received:
        news = listener.wait(LONG_S)
        assert news, "a notification got lost"
        received |= news
    return received


def _listen_until_it_breaks(wait: partial[frozenset[UUID]]) -> None:
    for _ in range(50):
        wait()


def test_only_sessions_with_a_later_number_than_was_seen_are_returned(
    engine: Engine, sessions: SessionStore
) -> None:
    log, some, other = EventLog(engine), new_session(sessions), new_session(sessions)
    now = log.changed({some: -1, other: -1})

    assert log.changed({some: -1, other: now[other]}) == {some: now[some]}
    assert log.changed(now) == log.changed({}) == log.changed({uuid4(): 0}) == log.changed({some: 99}) == {}
    sessions.cancel(other)
    assert log.changed(now) == {other: now[other] + 1}
