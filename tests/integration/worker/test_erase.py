"""`tafawoq-worker erase`: nothing of the user is left, and everything of the others is as before."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from api.rate_limits import Kind, Rate, SharedLimits
from api.waiting_calls import SharedWaitingCalls
from db.batches import BatchStore
from db.erasure import Erasure
from db.ledger import NOBODY, LedgerStore
from db.reports import ReportStore
from db.review_queue import ReviewQueue
from db.reviews import ReviewStore
from db.sessions import SessionStore
from db.tables import metadata
from generation.errors import FenceLost, SessionMissing
from generation.model import SessionKind
from generation.reports import ReportReason
from runtime.settings import DatabaseSettings, PlanSettings, RedisSettings
from tests.integration.db.exams import claimed, exam_plan, make_ready, practice_plan, question_for
from tests.support.attempts import dollars_spent
from worker.cli import cli
from worker.lock import BatchLock

MINOR, OTHER = UUID(int=0xC0FFEE), UUID(int=0xBEEF)
Erase = Callable[..., Result]


@pytest.fixture
def erase(
    database: DatabaseSettings, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Erase:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", database.database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return lambda *words: CliRunner().invoke(cli, ["erase", "--user", str(MINOR), *words])


def report(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def sessions_of(engine: Engine, user_id: UUID) -> list[UUID]:
    """An exam with a published and a running batch, a practice session, and their traces in the ledger."""
    sessions, store = SessionStore(engine), BatchStore(engine)
    exam = sessions.create(
        user_id, exam_plan(), idempotency_key=f"key-{user_id}", request_digest="d"
    ).session_id
    make_ready(store, exam, 0)
    store.note_progress(exam, 1, plan=PlanSettings())
    make_ready(store, exam, 1)
    ReportStore(engine).add(
        exam, SessionKind.EXAM, user_id, position=1, reason=ReportReason.OTHER, text="about the student"
    )
    reported = ReviewQueue(engine).one(exam, 1)
    assert reported is not None
    ReviewStore(engine).accept(reported)
    practice = sessions.create(user_id, practice_plan()).session_id
    for session_id in (exam, practice):
        call = replace(dollars_spent(1, session_id), request_id=f"req-{session_id}", message_id="msg")
        LedgerStore(engine).close(call)
    return [exam, practice]


def everything(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table that this product knows, as text."""
    tables = [f"{table.schema}.{table.name}" for table in metadata.sorted_tables]
    with engine.connect() as connection:
        return {
            table: sorted(connection.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t")).scalars())
            for table in tables
        }


async def traces_in_redis(redis_url: str, user_id: UUID, session_id: UUID) -> None:
    """What the API leaves: counted calls, and a call that waits and is never released."""
    settings = RedisSettings(redis_url=redis_url)
    limits = SharedLimits(settings, {kind: Rate(10, 3600) for kind in Kind}, timeout_s=5)
    for kind in Kind:
        await limits.take(user_id, kind)
    await limits.close()
    waiting = SharedWaitingCalls(settings, timeout_s=5)
    await waiting._keep(f"tafawoq:waiting:{session_id}:0", "owner")
    await waiting.close()


def test_nothing_of_the_user_is_left_and_the_others_rows_are_equal(
    erase: Erase, engine: Engine, redis_url: str, redis_client: Redis
) -> None:
    others = sessions_of(engine, OTHER)
    before = everything(engine)
    theirs = sessions_of(engine, MINOR)
    asyncio.run(traces_in_redis(redis_url, OTHER, others[0]))
    kept = set(redis_client.keys())
    asyncio.run(traces_in_redis(redis_url, MINOR, theirs[0]))
    lock = BatchLock(redis_client, prefix="tafawoq:", ttl_s=60)._try(theirs[0], 2)
    assert not lock.held_elsewhere
    spent = LedgerStore(engine).spent()

    said = report(erase("--json"))

    after = everything(engine)
    web_app = {table: after.pop(table) for table in list(after) if table.startswith("public.")}
    own = {table: rows for table, rows in before.items() if not table.startswith("public.")}
    ledger, ours = after.pop("generation.attempts"), own.pop("generation.attempts")
    assert after == own
    assert set(ours) <= set(ledger)
    names = [str(each) for each in (MINOR, *theirs)]
    for rows in (*after.values(), ledger):
        assert not [row for row in rows for name in names if name in row]
    for table, rows in web_app.items():
        assert set(before[table]) <= set(rows), "the others' rows are equal"
        [left] = [json.loads(row) for row in set(rows) - set(before[table])]
        assert (left["questions"], left["generation_context"], left["generated_batches"]) == ([], {}, 0)
        assert left["status"] == "abandoned"
    assert set(redis_client.keys()) == kept
    assert LedgerStore(engine).spent() == spent, "sums stay"
    assert LedgerStore(engine).spent(session_id=NOBODY) == 2_000_000
    assert said == {
        "sessions": 2,
        "deleted": {
            "plans": 2,
            "slots": 11,
            "questions": 5,
            "reports": 1,
            "reviews": 1,
            "batches": 3,
            "events": said["deleted"]["events"],
            "idempotency_keys": 1,
        },
        "attemptsMadeAnonymous": 2,
        "webAppRowsBlanked": {"exam_sessions": 1, "practice_sessions": 1},
        "webAppRowsLeft": {"exam_sessions": 1, "practice_sessions": 1},
        "redisKeysDeleted": 4,
    }


def test_erasing_again_finds_nothing_and_changes_nothing(erase: Erase, engine: Engine) -> None:
    sessions_of(engine, MINOR)
    report(erase("--json"))
    before = everything(engine)
    again = report(erase("--json"))
    assert set(again["deleted"].values()) == {0}
    assert (again["attemptsMadeAnonymous"], set(again["webAppRowsBlanked"].values())) == (0, {0})
    assert everything(engine) == before
    assert "the web app's to delete" in erase().stdout


def test_a_user_of_whom_nothing_is_stored_is_erased_too(erase: Erase) -> None:
    assert report(erase("--json"))["sessions"] == 0


def test_the_output_names_no_user_and_no_session(erase: Erase, engine: Engine) -> None:
    names = [str(each) for each in (MINOR, *sessions_of(engine, MINOR))]
    said = erase().output
    assert "2 rows of generation.plans are deleted." in said
    assert not [name for name in names if name in said]


def test_without_redis_the_rows_go_and_the_command_says_what_is_left(
    erase: Erase, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions_of(engine, MINOR)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    result = erase()
    assert result.exit_code == 1
    assert "Redis did not answer" in result.stderr
    assert everything(engine)["generation.plans"] == []


def test_a_run_in_progress_writes_nothing_afterwards_and_its_call_names_nobody(engine: Engine) -> None:
    sessions, store, ledger = SessionStore(engine), BatchStore(engine), LedgerStore(engine)
    session_id = sessions.create(MINOR, exam_plan()).session_id
    claim = claimed(store, session_id)
    call = replace(dollars_spent(0, session_id), outcome="open")
    ledger.open(call)
    ended = threading.Timer(0.5, lambda: ledger.close(replace(call, outcome="stopped")))
    ended.start()
    erased = Erasure(engine).erase(MINOR, wait_s=30)
    ended.join()
    assert (erased.sessions, erased.attempts) == ((session_id,), 1)
    with pytest.raises((FenceLost, SessionMissing)):
        store.accept(claim, question_for(claim.open_slots[0]), uuid4(), "claude")
    # A worker that comes back overwrites the outcome.
    ledger.close(replace(call, outcome="stopped", request_id="req-late", message_id="msg-late"))
    written = str(everything(engine)["generation.attempts"])
    assert not [name for name in (str(session_id), "req-late", "msg-late") if name in written]
    assert "stopped" in written


def test_a_session_whose_row_the_web_app_deleted_is_erased(erase: Erase, engine: Engine) -> None:
    sessions_of(engine, MINOR)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM exam_sessions"))
        connection.execute(text("DELETE FROM practice_sessions"))
    assert report(erase("--json"))["deleted"]["plans"] == 2
