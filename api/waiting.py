"""How long a call waits, as its caller prefers (RFC 7240), and the waiting itself.

A waiting call holds no thread and no database connection: it sleeps on a watch of the hub and looks at
the rows when it is woken. It ends early when its client has hung up or the process is about to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from pydantic.json_schema import SkipJsonSchema

from api.hub import Watch

T = TypeVar("T")

#: How often a waiting call looks without having been woken: a batch that is put off makes no event.
LOOK_AGAIN_S = 3.0

#: More digits than this are not a wish but a mistake; int() would also be slow on many of them.
_WAIT_DIGITS = 6

#: A quoted value may hold commas and semicolons of its own.
_WISH = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*")+')
_MAIN_PART = re.compile(r'(?:[^;"]|"(?:\\.|[^"\\])*")*')


@dataclass(frozen=True, slots=True)
class Preference:
    """What the Prefer header asks for. `wait_s` is None when it says nothing about waiting."""

    wait_s: int | None = None
    respond_async: bool = False

    def patience_s(self, *, default_s: float, longest_s: float) -> float:
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

    What is unknown or malformed is ignored, as the RFC wants: a wish is never a reason to fail.
    """
    wishes: dict[str, str] = {}
    for name, value in _wishes(values):
        wishes.setdefault(name, value)
    wait = wishes.get("wait", "")
    sound = wait.isascii() and wait.isdigit() and len(wait) <= _WAIT_DIGITS
    return Preference(wait_s=int(wait) if sound else None, respond_async="respond-async" in wishes)


def _wishes(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    for wish in _WISH.findall(",".join(values)):
        main = _MAIN_PART.match(wish)
        name, _, value = (main[0] if main else "").partition("=")
        yield name.strip().lower(), value.strip().strip('"')


async def wait_until(
    watch: Watch, look: Callable[[], Awaitable[T]], *, enough: Callable[[T], bool], patience_s: float
) -> T:
    """What `look` saw when it was enough, or else last: when the patience was over or the watch closed.

    Looks at once, after every wake-up, every few seconds (not every change has an event), and at the end.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    seen = await look()
    while not enough(seen) and not watch.closed and (left := deadline - loop.time()) > 0:
        await watch.changed(min(left, LOOK_AGAIN_S))
        seen = await look()
    return seen


@contextlib.asynccontextmanager
async def until_hung_up(request: Request, watch: Watch) -> AsyncIterator[None]:
    """While the block runs, a client that disconnects closes the watch, and so ends the waiting."""
    listening = asyncio.create_task(_close_on_disconnect(request, watch))
    try:
        yield
    finally:
        listening.cancel()


async def _close_on_disconnect(request: Request, watch: Watch) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    watch.close()


async def _wish(
    prefer: Annotated[
        list[str] | SkipJsonSchema[None],
        Header(description="RFC 7240: `wait=<seconds>` or `respond-async`", examples=["wait=30"]),
    ] = None,
) -> Preference:
    return preference(prefer or [])


Wish = Annotated[Preference, Depends(_wish)]
