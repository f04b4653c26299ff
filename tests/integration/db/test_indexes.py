"""Frequent queries and an operator's queries use an index, whatever the number of sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event

from db.batches import BatchStore
from db.engine import make_engine
from db.events import EventLog
from db.leases import Lease
from db.ledger import LedgerStore
from db.operator_queries import OperatorView
from db.progress import latest_times
from db.queue_stats import read_queue_stats
from db.retention import RetentionStore
from db.sessions import SessionStore
from generation.model import SessionKind, Urgency
from runtime.retention_settings import RetentionSettings
from runtime.settings import DatabaseSettings
from tests.support.databases import Databases

STUDENT = UUID(int=7)
OWN = "00000000-0000-0000-0000-00000000abcd"

#: 20,000 exams of three batches over a hundred days; a few are from today, running, waiting or failed.
#: The costs are those of an SSD, where a random page costs little more than the next one.
FILL = f"""
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET random_page_cost = 1.1', current_database()); END $$;
INSERT INTO practice_sessions (id, user_id, status)
SELECT gen_random_uuid(), gen_random_uuid(), 'completed' FROM generate_series(1, 10000);
INSERT INTO exam_sessions (id, user_id, status, track)
SELECT md5(n::text)::uuid, md5((n / 5)::text)::uuid, CASE WHEN n < 100 THEN 'in_progress' ELSE 'completed' END, 'literary'
FROM generate_series(1, 20000) n;
INSERT INTO generation.plans
    (session_id, kind, user_id, track, plan_version, seed, batches, total_questions, created_at, closed_at)
SELECT id, 'exam', user_id, 'literary', 'v', 1, '[]', 7,
       now() - interval '100 days' * row_number() OVER () / 20000, CASE WHEN status = 'completed' THEN now() END
FROM exam_sessions;
INSERT INTO generation.batches (session_id, batch_index, status, urgency, epoch, lease_until, requested_at, ready_at)
SELECT session_id, index,
       CASE WHEN closed_at IS NULL THEN (ARRAY['running', 'queued', 'failed'])[index + 1] ELSE 'ready' END, 'prefetch', 1,
       CASE WHEN closed_at IS NULL AND index = 0 THEN now() + interval '5 s' END, created_at, created_at + interval '5 s'
FROM generation.plans, generate_series(0, 2) index;
INSERT INTO generation.attempts (id, session_id, batch_index, epoch, provider, model, asked, outcome, opened_at)
SELECT gen_random_uuid(), session_id, batch_index, 1, 'claude', 'm', 10, CASE status WHEN 'running' THEN 'open' ELSE 'complete' END,
       requested_at FROM generation.batches;
INSERT INTO generation.idempotency_keys (user_id, key, request_digest, session_id, created_at)
SELECT user_id, session_id::text, '', session_id, now() - interval '7 days' * row_number() OVER () / 19000
FROM generation.plans;
INSERT INTO generation.slots (session_id, position, batch_index, spec)
SELECT session_id, position, 0, '{{}}' FROM generation.plans, generate_series(0, 2) position;
INSERT INTO generation.questions (session_id, position, batch_index, fingerprint, content, provider, attempt_id)
SELECT session_id, position, 0, position::text, '{{}}', 'claude', '{OWN}' FROM generation.slots;
INSERT INTO generation.reports (session_id, position, fingerprint, user_id, reason, created_at)
SELECT session_id, position, position::text, '{OWN}', 'other', now() - interval '180 days' * row_number() OVER () / 60000
FROM generation.slots;
INSERT INTO generation.events (session_id, seq, kind, payload)
SELECT session_id, seq, 'session', '{{}}' FROM generation.plans, generate_series(1, 3) seq;
INSERT INTO generation.corrections (day, provider, model, cost_microdollars)
SELECT current_date - day, 'claude', model::text, 1 FROM generate_series(1, 300) day, generate_series(1, 20) model;
ANALYZE;
"""


@pytest.fixture(scope="module")
def filled(databases: Databases) -> Iterator[Engine]:
    with databases.migrated() as url:
        settings = DatabaseSettings(database_url=url)
        with psycopg.connect(settings.libpq_url, autocommit=True) as connection:
            connection.execute(FILL.encode())
        engine = make_engine(settings, "tests")
        yield engine
        engine.dispose()


@contextmanager
def explained(engine: Engine) -> Iterator[list[str]]:
    """The query plans of all statements, taken before each runs."""
    plans: list[str] = []

    def explain(_c: Connection, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
            rows = cursor.connection.execute(f"EXPLAIN {statement}", parameters).fetchall()
            plans.append("\n".join(row[0] for row in rows))

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def held(engine: Engine) -> list[Lease]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT session_id, batch_index, epoch FROM generation.batches WHERE status = 'running'"
        )
        return [Lease(*row) for row in found]


def times(engine: Engine) -> object:
    with engine.connect() as connection:
        return latest_times(connection, SessionKind.EXAM)


ASKED: dict[str, Callable[[Engine], object]] = {
    "heartbeat": lambda engine: BatchStore(engine).renew(held(engine), 30),
    "sweep": lambda engine: BatchStore(engine).sweep(10, 500, sooner_s={Urgency.INTERACTIVE: 3}),
    "not enqueued": lambda engine: BatchStore(engine).mark_all_not_enqueued(
        [(uuid4(), index) for index in range(500)]
    ),
    "endings": lambda engine: SessionStore(engine).publish_endings(500),
    "forget": lambda engine: RetentionStore(engine, RetentionSettings()).forget(),
    "lost calls": lambda engine: LedgerStore(engine).close_lost(500),
    "levels": read_queue_stats,
    "times": times,
    "a student's sessions": lambda engine: SessionStore(engine).page(STUDENT, SessionKind.EXAM, 20),
    "news": lambda engine: EventLog(engine).changed({lease.session_id: 0 for lease in held(engine)}),
    "newest sessions": lambda engine: OperatorView(engine).sessions(20),
    "failed sessions": lambda engine: OperatorView(engine).sessions(20, failed=True),
    "one session": lambda engine: OperatorView(engine).attempts(STUDENT),
}


@pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in ASKED.items()])
def test_no_table_is_read_from_end_to_end(filled: Engine, ask: Callable[[Engine], object]) -> None:
    with explained(filled) as plans:
        partial(ask, filled)()
    assert plans
    for plan in plans:
        assert "Seq Scan" not in plan, plan


def test_a_plan_that_reads_a_whole_table_is_noticed(filled: Engine) -> None:
    with explained(filled) as plans, filled.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM generation.batches WHERE owner IS NULL")
    assert "Seq Scan" in plans[0]
