"""How long a call waits (the Prefer header, RFC 7240), and the waiting itself.

A waiting call holds no thread and no database connection: it sleeps on its subscription and reads the rows when
the notifier wakes it. It ends early when its client disconnects or the process stops.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.request import parse_http_list

from fastapi import Depends, Header, Request
from pydantic.json_schema import SkipJsonSchema

from api.notifications import Subscription

T = TypeVar("T")

#: How often a waiting call reads the rows without being woken: a deferred batch makes no event.
REREAD_S = 3.0

#: A number with more digits is a mistake; int() would also be slow on a very long one.
_WAIT_DIGITS = 6

#: Longer than every useful Prefer header; the rest is not read.
_MAX_HEADER_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Preference:
    """What the Prefer header asks for. `wait_s` is None when the header has no `wait`."""

    wait_s: int | None = None
    respond_async: bool = False

    @property
    def is_stated(self) -> bool:
        return self.respond_async or self.wait_s is not None

    def timeout_s(self, *, default_s: float, longest_s: float) -> float:
        """How long to wait: as asked, at most `longest_s`; 0 for `respond-async` alone, else `default_s`."""
        if self.wait_s is not None:
            return min(self.wait_s, longest_s)
        return 0 if self.respond_async else default_s

    def headers(self) -> dict[str, str]:
        """The response header `Preference-Applied`, if the caller stated a preference."""
        applied = ["respond-async"] * self.respond_async
        if self.wait_s is not None:
            applied.append(f"wait={self.wait_s}")
        return {"Preference-Applied": ", ".join(applied)} if applied else {}


def preference(values: Sequence[str]) -> Preference:
    """The preferences of all Prefer headers of a request; the first of each name counts.

    Unknown and malformed preferences are ignored, as the RFC requires.
    """
    named: dict[str, str] = {}
    for name, value in _preferences(values):
        named.setdefault(name, value)
    wait = named.get("wait", "")
    is_valid = wait.isascii() and wait.isdigit() and len(wait) <= _WAIT_DIGITS
    return Preference(wait_s=int(wait) if is_valid else None, respond_async="respond-async" in named)


def _preferences(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each preference, without its parameters."""
    for each in parse_http_list(",".join(values)[:_MAX_HEADER_CHARS]):
        name, _, value = each.partition(";")[0].partition("=")
        yield name.strip(' "').lower(), value.strip().strip('"')


async def wait_until(
    subscription: Subscription,
    look: Callable[[], Awaitable[T]],
    *,
    enough: Callable[[T], bool],
    timeout_s: float,
) -> T:
    """The first result of `look` that is `enough`, else its last result before the time limit or the close.

    Calls `look` at once, after every wake-up, every REREAD_S (not every change makes an event), and at the end.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    seen = await look()
    while not enough(seen) and not subscription.closed and (left := deadline - loop.time()) > 0:
        await subscription.changed(min(left, REREAD_S))
        seen = await look()
    return seen


@contextlib.asynccontextmanager
async def closed_on_disconnect(request: Request, subscription: Subscription) -> AsyncIterator[None]:
    """While the block runs, a disconnect of the client closes the subscription and so ends the wait."""
    listening = asyncio.create_task(_close_on_disconnect(request, subscription))
    try:
        yield
    finally:
        listening.cancel()


async def _close_on_disconnect(request: Request, subscription: Subscription) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    subscription.close()


async def _prefer_header(
    prefer: Annotated[
        list[str] | SkipJsonSchema[None],
        Header(description="RFC 7240: `wait=<seconds>` or `respond-async`", examples=["wait=30"]),
    ] = None,
) -> Preference:
    return preference(prefer or [])


PreferHeader = Annotated[Preference, Depends(_prefer_header)]
