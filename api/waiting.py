"""How long a call waits, as its caller prefers (RFC 7240), and the waiting itself.

A waiting call holds no thread and no database connection: it sleeps on a watch of the notifier and looks at
the rows when it is woken. It ends early when its client has hung up or the process is about to stop.
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

#: How often a waiting call looks without having been woken: a batch that is deferred makes no event.
LOOK_AGAIN_S = 3.0

#: More digits than this are not a preference but a mistake; int() would also be slow on many of them.
_WAIT_DIGITS = 6

#: Longer than all the headers that anybody has a use for; what is beyond is not read.
_READ_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Preference:
    """What the Prefer header asks for. `wait_s` is None when it says nothing about waiting."""

    wait_s: int | None = None
    respond_async: bool = False

    def timeout_s(self, *, default_s: float, longest_s: float) -> float:
        """How long to wait: as asked, but not for ever; at once for a client that wants no waiting."""
        if self.wait_s is not None:
            return min(self.wait_s, longest_s)
        return 0 if self.respond_async else default_s

    def headers(self) -> dict[str, str]:
        """`Preference-Applied`, when something was asked for."""
        applied = ["respond-async"] * self.respond_async
        if self.wait_s is not None:
            applied.append(f"wait={self.wait_s}")
        return {"Preference-Applied": ", ".join(applied)} if applied else {}


def preference(values: Sequence[str]) -> Preference:
    """The preferences in all Prefer headers of a request, in their order; the first of each name counts.

    What is unknown or malformed is ignored, as the RFC wants: a preference is never a reason to fail.
    """
    named: dict[str, str] = {}
    for name, value in _preferences(values):
        named.setdefault(name, value)
    wait = named.get("wait", "")
    sound = wait.isascii() and wait.isdigit() and len(wait) <= _WAIT_DIGITS
    return Preference(wait_s=int(wait) if sound else None, respond_async="respond-async" in named)


def _preferences(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each, without its parameters."""
    for each in parse_http_list(",".join(values)[:_READ_CHARACTERS]):
        name, _, value = each.partition(";")[0].partition("=")
        yield name.strip(' "').lower(), value.strip().strip('"')


async def wait_until(
    subscription: Subscription,
    look: Callable[[], Awaitable[T]],
    *,
    enough: Callable[[T], bool],
    timeout_s: float,
) -> T:
    """What `look` saw when it was enough, or else last: when the time limit was over or the watch closed.

    Looks at once, after every wake-up, every few seconds (not every change has an event), and at the end.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    seen = await look()
    while not enough(seen) and not subscription.closed and (left := deadline - loop.time()) > 0:
        await subscription.changed(min(left, LOOK_AGAIN_S))
        seen = await look()
    return seen


@contextlib.asynccontextmanager
async def until_hung_up(request: Request, subscription: Subscription) -> AsyncIterator[None]:
    """While the block runs, a client that disconnects closes the watch, and so ends the waiting."""
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
