"""Old rows go, by the retention time of their table; everything else stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from db import retention
from db.batches import BatchStore
from db.ledger import LedgerStore
from db.retention import RetentionStore
from db.sessions import SessionStore
from db.tables import SCHEMA, metadata
from generation.model import Urgency
from runtime.retention_settings import RetentionSettings
from tests.integration.db.exams import STUDENT, claimed, exam_plan, make_ready
from tests.support.attempts import dollars_spent

Sql = Callable[..., Any]
OURS = [table.name for table in metadata.sorted_tables if table.schema == SCHEMA]
EVERY_TIME = ("created_at", "updated_at", "moved_at", "reserved_until", "opened_at", "day")


@pytest.fixture
def old_rows(engine: Engine) -> RetentionStore:
    return RetentionStore(engine, RetentionSettings())


@pytest.fixture
def session_id(sessions: SessionStore, store: BatchStore, ledger: LedgerStore, run_sql: Sql) -> UUID:
    """An exam with rows in every table."""
    created = sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="d")
    make_ready(store, created.session_id, 0)
    ledger.close(dollars_spent(1, created.session_id))
    run_sql("INSERT INTO generation.corrections VALUES (now()::date, 'claude', 'm', 5)")
    of_the_session = f"('{created.session_id}', 0, 'fingerprint-0', '{STUDENT}'"
    run_sql(
        "INSERT INTO generation.reports (session_id, position, fingerprint, user_id, reason) "
        f"VALUES {of_the_session}, 'other')"
    )
    run_sql(
        "INSERT INTO generation.reviews (session_id, position, fingerprint, id, decision, topic) "
        f"VALUES {of_the_session}, 'accepted', 'algebra')"
    )
    return created.session_id


def rows(run_sql: Sql) -> dict[str, int]:
    return {name: run_sql(f"SELECT count(*) AS n FROM generation.{name}")[0].n for name in OURS}


def age(run_sql: Sql, table: str, days: int) -> None:
    columns = [column for column in EVERY_TIME if column in metadata.tables[f"{SCHEMA}.{table}"].c]
    changed = ", ".join(f"{column} = {column} - interval '{days} days'" for column in columns)
    run_sql(f"UPDATE generation.{table} SET {changed}")


@pytest.mark.parametrize(
    ("table", "days", "gone"),
    [
        ("events", 30, {"events"}),
        ("attempts", 400, {"attempts"}),
        ("corrections", 401, {"corrections"}),
        ("idempotency_keys", 7, {"idempotency_keys"}),
        ("reports", 180, {"reports"}),
        ("plans", 365, {"plans", "slots", "batches", "questions", "events", "reports", "reviews"}),
    ],
)
@pytest.mark.usefixtures("session_id")
def test_each_table_has_its_time_and_nothing_goes_before(
    old_rows: RetentionStore, run_sql: Sql, table: str, days: int, gone: set[str]
) -> None:
    before = rows(run_sql)
    assert all(before.values()), "every table has rows"
    age(run_sql, table, days - 2)
    assert set(old_rows.forget().values()) == {0}
    assert rows(run_sql) == before
    age(run_sql, table, 3)
    assert sum(old_rows.forget().values()) > 0
    assert {name for name, count in rows(run_sql).items() if count == 0} == gone
    assert set(old_rows.forget().values()) == {0}


def test_a_forgotten_session_leaves_the_web_apps_row_its_questions(
    old_rows: RetentionStore, run_sql: Sql, session_id: UUID, store: BatchStore
) -> None:
    store.request(session_id, 1, Urgency.INTERACTIVE)
    row = "SELECT id, status, questions, generated_batches FROM exam_sessions"
    before = run_sql(row)
    age(run_sql, "plans", 366)
    old_rows.forget()
    assert run_sql(row) == before
    assert run_sql("SELECT generation_in_progress FROM exam_sessions") == [(False,)]


@pytest.mark.parametrize("column", ["updated_at", "moved_at"])
def test_a_session_that_moved_lately_stays(
    old_rows: RetentionStore, run_sql: Sql, session_id: UUID, column: str
) -> None:
    age(run_sql, "plans", 366)
    run_sql(f"UPDATE generation.plans SET {column} = now()")
    assert old_rows.forget()["sessions"] == 0


def test_a_session_that_is_being_written_stays(
    old_rows: RetentionStore, run_sql: Sql, sessions: SessionStore, store: BatchStore
) -> None:
    claimed(store, sessions.create(STUDENT, exam_plan()).session_id)
    age(run_sql, "plans", 366)
    assert old_rows.forget()["sessions"] == 0


def test_a_step_is_small_and_the_steps_end(
    old_rows: RetentionStore, run_sql: Sql, sessions: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SESSIONS_A_STEP", 2)
    for _ in range(5):
        sessions.create(STUDENT, exam_plan())
    age(run_sql, "plans", 366)
    assert [old_rows.forget()["sessions"] for _ in range(4)] == [2, 2, 1, 0]


def test_an_old_key_makes_room_for_a_new_session(
    old_rows: RetentionStore, run_sql: Sql, sessions: SessionStore, session_id: UUID
) -> None:
    age(run_sql, "idempotency_keys", 8)
    old_rows.forget()
    again = sessions.create(STUDENT, exam_plan(), idempotency_key="k", request_digest="d")
    assert not again.replayed
