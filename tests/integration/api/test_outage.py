"""Postgres stops and starts again while a student follows a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from db.engine import make_engine
from runtime.settings import DatabaseSettings
from tests.integration.api.served import Served
from tests.support.databases import upgrade
from tools.stack.embedded import EmbeddedPostgres
from tools.stack.ports import free_port


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server for this test alone, on a fixed port, so that it can start again at the same address."""
    server = EmbeddedPostgres(tmp_path / "postgres", port=free_port(), durable=False)
    with server:
        upgrade(server.url)
        yield server


def test_a_stream_survives_a_restart_of_the_database(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    database = DatabaseSettings(database_url=postgres.url)
    engine = make_engine(database, "tests")
    with Served(database, engine, api_poll_s=0.05) as served, served.client(uuid4()) as client:
        exam_id = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "wait=0"}).json()["id"]
        claim = served.writer.claim()
        with client.stream("GET", f"/exams/{exam_id}/events?after=1") as response:
            lines = response.iter_lines()
            served.until_subscribed()
            postgres.stop()
            served.app.state.context.notifier.wake_from_thread(UUID(exam_id))
            assert next(line for line in lines if line.startswith(":"))

            postgres.start()
            served.writer.write(claim, 1)
            assert next(line for line in lines if line.startswith("id")) == "id: 2"
    engine.dispose()
