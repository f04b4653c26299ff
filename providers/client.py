"""The one SDK client of a process: addresses and keys from our settings only, no hidden retry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import anthropic
import httpx2
import structlog

from providers.answer_bounds import check_answer
from providers.transport import watch_sockets
from runtime.addresses import is_near
from runtime.proxies import client_options, environment_problem, readable_exceptions
from runtime.settings import ClaudeSettings, SettingsError

log = structlog.get_logger(__name__)

#: Long enough that the batches of a running exam find a connection that is still open.
_KEEPALIVE_EXPIRY_S = 60
#: The pool looks at each idle socket, under its one lock, whenever a call begins or ends: with hundreds of
#: them the last of many calls at once waited for seconds. These serve the lanes of a first batch.
_IDLE_CONNECTIONS = 16
_WRITE_TIMEOUT_S = 10
_POOL_TIMEOUT_S = 5

#: All that a call of this client is known to raise: the SDK, the HTTP library below it, the decoding of their data.
#: A connection that breaks in the middle of a stream is the HTTP library's own error, not the SDK's.
CALL_FAILURES = (anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError, ValueError)

#: Variables that the SDK reads by itself, each of which redirects or alters requests.
_SDK_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_PROFILE",
)


@dataclass(frozen=True, slots=True)
class Line:
    """How to reach a provider."""

    base_url: str
    connect_timeout_s: float
    read_timeout_s: float
    max_connections: int

    @property
    def is_near(self) -> bool:
        """Whether this is our own machine or a bare service name: no proxy stands between."""
        return is_near(urlsplit(self.base_url).hostname)


def line_to(base_url: str, settings: ClaudeSettings) -> Line:
    """The line to any provider, with the time limits of Claude's settings."""
    return Line(
        base_url=base_url,
        connect_timeout_s=settings.claude_connect_timeout_s,
        read_timeout_s=settings.claude_read_timeout_s,
        max_connections=settings.claude_max_connections,
    )


def make_client(
    line: Line, *, api_key: str | None = None, auth_token: str | None = None
) -> anthropic.Anthropic:
    """A client that asks exactly once, exactly there, with exactly this key. Exactly one of the two keys.

    To be made once per process and after a fork: sockets must not cross one. Hides the SDK's environment
    variables while it works, so nothing else may read them at that moment.
    """
    http_client = _http_client(line)
    watch_sockets(http_client)
    with _without_sdk_variables():
        return anthropic.Anthropic(
            api_key=api_key,
            auth_token=auth_token,
            base_url=line.base_url,
            max_retries=0,
            http_client=http_client,
            open_telemetry=False,
        )


def _http_client(line: Line) -> httpx2.Client:
    """Raises SettingsError when a variable of the environment names an unusable proxy or certificate file."""
    try:
        with _readable_no_proxy():
            return anthropic.DefaultHttpxClient(
                limits=httpx2.Limits(
                    max_connections=line.max_connections,
                    max_keepalive_connections=_IDLE_CONNECTIONS,
                    keepalive_expiry=_KEEPALIVE_EXPIRY_S,
                ),
                timeout=httpx2.Timeout(
                    connect=line.connect_timeout_s,
                    read=line.read_timeout_s,
                    write=_WRITE_TIMEOUT_S,
                    pool=_POOL_TIMEOUT_S,
                ),
                follow_redirects=False,  # a redirected prompt went somewhere we did not choose
                event_hooks={"response": [check_answer]},
                **client_options(line.base_url),
            )
    except (ImportError, OSError, ValueError, httpx2.InvalidURL) as err:
        raise SettingsError(f"{environment_problem(err)}.") from err


@contextmanager
def _readable_no_proxy() -> Iterator[None]:
    given = {name: os.environ[name] for name in ("NO_PROXY", "no_proxy") if name in os.environ}
    os.environ.update({name: readable_exceptions(value) for name, value in given.items()})
    try:
        yield
    finally:
        os.environ.update(given)


@contextmanager
def _without_sdk_variables() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in _SDK_VARIABLES if name in os.environ}
    for name in sorted(hidden.keys() - {"ANTHROPIC_API_KEY"}):
        log.warning(
            "variable_not_used",
            variable=name,
            text=f"{name} is set but not used. Use CLAUDE_BASE_URL and ANTHROPIC_API_KEY instead.",
        )
    try:
        yield
    finally:
        os.environ.update(hidden)
