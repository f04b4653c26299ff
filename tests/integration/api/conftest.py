from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import Engine

from api.waiting_calls import SharedWaitingCalls
from runtime.settings import DatabaseSettings, RedisSettings
from tests.integration.api.served import Served, Writer

Serve = Callable[..., Served]


@pytest.fixture
def serve(
    database: DatabaseSettings, engine: Engine, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """Starts the API with these settings; stops it after the test."""
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    with ExitStack() as stack:

        def start(**settings: Any) -> Served:
            settings.setdefault(
                "waiting_calls", SharedWaitingCalls(RedisSettings(redis_url=redis_url), timeout_s=5)
            )
            return stack.enter_context(Served(database, engine, **settings))

        yield start


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve(api_default_wait_s=20, api_poll_s=0.05)


@pytest.fixture
def writer(served: Served) -> Writer:
    return served.writer


@pytest.fixture
def student(served: Served) -> Iterator[httpx2.Client]:
    with served.client(uuid4()) as client:
        yield client


@pytest.fixture
def exam_id(student: httpx2.Client) -> str:
    """An exam whose first batch is enqueued and not yet written."""
    created = student.post("/exams", json={"track": "scientific"}, headers={"Prefer": "respond-async"})
    assert created.status_code == 201
    session_id: str = created.json()["id"]
    return session_id
