"""A quick answer for calls that come while another call is asking for the same batch.

A thousand calls for one batch at once are one that starts it and many that come late. A latecomer is let in and
counted like any call, hears what the first one found, and is told so, without the cost of a route. What it cannot
be told here goes on to its route as if it had not been here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admission import admit
from api.awaited import in_progress, refusal_to_join
from api.crowd import Heard
from api.door import Door
from api.errors import Refusal, answer
from api.openapi import PREFIXES
from db.standing import Standing
from generation.model import SessionKind

_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}
_PATH = re.compile(
    f"(?P<prefix>{'|'.join(_KINDS)})/(?P<session>[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})/questions"
)
#: The body as every client writes it. Whatever else might mean the same is for the route to read.
_BODY = re.compile(
    rb'[ \t\r\n]*\{[ \t\r\n]*"batchIndex"[ \t\r\n]*:[ \t\r\n]*(0|[1-9][0-9]{0,2})[ \t\r\n]*\}[ \t\r\n]*'
)
_LENGTH = re.compile(rb"[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class _Asked:
    """About which session a call asks."""

    kind: SessionKind
    session_id: UUID


class Latecomers:
    """Between what every call passes through and the routes; `route` is the one that it answers for."""

    def __init__(self, app: ASGIApp, *, door: Door, route: BaseRoute) -> None:
        self._app = app
        self._door = door
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _asked(scope)
        if asked is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        scope["path_params"] = {"session_id": str(asked.session_id)}
        try:
            user_id = await admit(self._door, scope)
            message = await receive()
            refusal = await self._refusal(asked, user_id, message, scope)
        except Refusal as refused:
            refusal = refused
        if refusal is None:
            await self._app(scope, _again(message, receive), send)
            return
        scope["state"]["error_code"] = refusal.code
        await answer(refusal, scope["state"]["request_id"])(scope, receive, send)

    async def _refusal(self, asked: _Asked, user_id: UUID, message: Message, scope: Scope) -> Refusal | None:
        """What the call is told when another has just found its batch under way; None: its route must look."""
        wanted = None if message.get("more_body") else _BODY.fullmatch(message.get("body", b""))
        if wanted is None:
            return None
        what = (asked.kind, user_id, asked.session_id, int(wanted[1]))
        heard: tuple[Standing, bool] | Heard = await self._door.crowd.overhear(what)
        if heard is Heard.NOTHING or (isinstance(heard, tuple) and not heard[0].is_under_way):
            return None
        scope["state"]["told_with_others"] = True
        if heard is Heard.THRONG:
            return in_progress(self._door, asked.kind, asked.session_id)
        return refusal_to_join(self._door, asked.kind, asked.session_id, heard[0])


def _asked(scope: Scope) -> _Asked | None:
    """None for all but a call for a batch that has a short body and no wish to wait."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    named = _PATH.fullmatch(scope["path"])
    if named is None or not _is_plain(scope["headers"]):
        return None
    return _Asked(_KINDS[named["prefix"]], UUID(named["session"]))


def _is_plain(sent: Sequence[tuple[bytes, bytes]]) -> bool:
    headers = dict(sent)
    return (
        len(headers) == len(sent)  # none twice
        and b"prefer" not in headers
        and headers.get(b"content-type") == b"application/json"
        and _LENGTH.fullmatch(headers.get(b"content-length", b"")) is not None
    )


def _again(message: Message, receive: Receive) -> Receive:
    """A receive that gives this message once more, and then goes on."""
    messages = [message]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received
