from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _a_broker_nobody_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app is configured when it is first looked at; no unit test sends a message."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
