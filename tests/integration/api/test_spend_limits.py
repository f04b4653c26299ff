"""Spend limits stop new work at the API, and nothing that already runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from api.errors import NOT_TODAY
from db.ledger import LedgerStore
from db.spending import SpendLimits
from tests.integration.api.served import Served, Writer
from tests.support.attempts import dollars_spent

pytestmark = pytest.mark.usefixtures("same_day")

NOW = {"Prefer": "respond-async"}


@pytest.fixture(autouse=True)
def _limits(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = SpendLimits(session_usd=Decimal(2), day_usd=Decimal(5))
    monkeypatch.setattr(served.sessions, "_limits", limits)
    monkeypatch.setattr(served.writer.batches, "_limits", limits)


def spend(engine: Engine, dollars: int, session_id: UUID | None = None) -> None:
    LedgerStore(engine).close(dollars_spent(dollars, session_id))


def rejections(served: Served, scope: str) -> float:
    value = served.app.state.context.metrics.registry.get_sample_value(
        "tafawoq_spend_limit_rejections_total", {"scope": scope}
    )
    return float(value or 0)


def test_the_daily_limit_rejects_new_sessions_until_midnight_utc(
    student: httpx2.Client, served: Served, engine: Engine
) -> None:
    spend(engine, 5)
    with capture_logs() as logs:
        answer = student.post("/exams", json={"track": "scientific"}, headers=NOW)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert (answer.status_code, answer.json()["code"]) == (503, "generation_unavailable")
    until_midnight = (midnight - datetime.now(UTC)).total_seconds()
    assert abs(int(answer.headers["Retry-After"]) - until_midnight) < 60 or until_midnight > 86_340
    assert [line["scope"] for line in logs if line["event"] == "spend_limit_reached"] == ["day"]
    assert rejections(served, "day") == 1
    assert student.get("/exams").json()["sessions"] == []
    assert served.writer.messages.empty()


def test_a_running_exam_continues_beyond_the_daily_limit(
    student: httpx2.Client, writer: Writer, exam_id: str, engine: Engine
) -> None:
    writer.finish()
    spend(engine, 100)
    assert student.post(f"/exams/{exam_id}/progress", json={"questionIndex": 9}).json()["prefetch"] == {
        "batchIndex": 1
    }
    writer.finish()
    answer = student.post(f"/exams/{exam_id}/questions", json={"batchIndex": 1})
    assert answer.status_code == 200


def test_a_session_at_its_limit_gets_no_further_batch_and_keeps_its_questions(
    student: httpx2.Client, served: Served, exam_id: str, engine: Engine
) -> None:
    served.writer.finish()
    spend(engine, 2, UUID(exam_id))
    moved = student.post(f"/exams/{exam_id}/progress", json={"questionIndex": 9})
    assert (moved.status_code, moved.json().get("prefetch")) == (202, None)
    answer = student.post(f"/exams/{exam_id}/questions", json={"batchIndex": 1}, headers=NOW)
    assert (answer.status_code, answer.json()["code"]) == (503, "generation_unavailable")
    assert int(answer.headers["Retry-After"]) >= 600
    assert rejections(served, "session") == 2
    assert served.writer.messages.empty()
    again = student.post(f"/exams/{exam_id}/questions", json={"batchIndex": 0})
    assert len(again.json()["questions"]) == 10


def test_a_user_at_their_limit_gets_no_new_session_until_their_day_renews(
    student: httpx2.Client, served: Served, exam_id: str, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    limits = SpendLimits(user_day_usd=Decimal(1))
    monkeypatch.setattr(served.sessions, "_limits", limits)
    spend(engine, 1, UUID(exam_id))
    with capture_logs() as logs:
        answer = student.post("/exams", json={"track": "scientific"}, headers=NOW)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.json()["error"] == NOT_TODAY
    assert 1 <= int(answer.headers["Retry-After"]) <= 86_400
    assert rejections(served, "user") == 1
    assert [line["log_level"] for line in logs if line["event"] == "spend_limit_reached"] == ["info"]
    served.writer.finish()
    again = student.post(f"/exams/{exam_id}/questions", json={"batchIndex": 0})
    assert len(again.json()["questions"]) == 10
