from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from providers.claude import make_claude
from providers.messages_client import MessagesClient
from providers.openrouter import make_openrouter
from runtime.settings import ClaudeSettings, OpenRouterSettings
from tests.support.providers import ServeClaude, ServeOpenRouter
from tests.support.raw_server import RawServer, Script


@pytest.fixture(autouse=True)
def _development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "development")


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(cleanup: ExitStack) -> Callable[[Script], RawServer]:
    return lambda script: cleanup.enter_context(RawServer(script).running())


@pytest.fixture
def claude(cleanup: ExitStack, serve: Callable[[Script], RawServer]) -> ServeClaude:
    """A server that plays a script, and a Claude source that asks it."""

    def make(
        script: Script, *, stall_timeout_s: float = 5, deadline_s: float = 10, **settings: str
    ) -> tuple[RawServer, MessagesClient]:
        server = serve(script)
        provider = make_claude(
            ClaudeSettings.model_validate({"claude_base_url": server.url} | settings),
            stall_timeout_s=stall_timeout_s,
            deadline_s=deadline_s,
        )
        cleanup.callback(provider.close)
        return server, provider

    return make


@pytest.fixture
def openrouter(cleanup: ExitStack, serve: Callable[[Script], RawServer]) -> ServeOpenRouter:
    """A server that plays a script, and an OpenRouter source that asks it."""

    def make(script: Script, **settings: str) -> tuple[RawServer, MessagesClient]:
        server = serve(script)
        known = {"openrouter_api_key": "or-key", "openrouter_base_url": server.url}
        provider = make_openrouter(
            OpenRouterSettings.model_validate(known | settings),
            ClaudeSettings.model_validate({}),
            stall_timeout_s=5,
            deadline_s=10,
        )
        assert provider is not None
        cleanup.callback(provider.close)
        return server, provider

    return make
