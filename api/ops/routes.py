"""`/ops`: what the whole system does. `/ops/sessions/ID`: the timeline of one session."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from functools import partial
from typing import ParamSpec, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from api.context import AppContext, Context
from api.errors import ApiError
from api.ops.access import require_operator
from api.ops.overview import DEFAULT_WINDOW, WINDOWS, overview_page
from api.ops.page import choices_of, framed, lookup
from api.ops.timeline import timeline_page
from db.operator_dashboard import OperatorDashboard

P = ParamSpec("P")
T = TypeVar("T")

#: How many sessions the page lists.
NEWEST = 20

router = APIRouter(tags=["pages"], include_in_schema=False)


async def _dashboard(request: Request, context: Context) -> OperatorDashboard:
    """Raises ApiError `not_found` and TokenNeeded as `require_operator` does."""
    require_operator(request, context.settings)
    if context.dashboard is None:
        raise ApiError("not_found")
    return context.dashboard


Dashboard = Depends(_dashboard)


async def ask_for_token(_request: Request, _error: Exception) -> Response:
    """The answer to TokenNeeded. A browser asks for a name, which may be anything, and the token as password."""
    return PlainTextResponse(
        "The operator token is needed: as the password of any name, or as Authorization: Bearer.\n",
        401,
        headers={
            "WWW-Authenticate": 'Basic realm="operator", charset="UTF-8"',
            "Cache-Control": "no-store",
        },
    )


@router.get("/ops")
async def overview(
    context: Context,
    window: str = DEFAULT_WINDOW,
    refresh: str = "on",
    dashboard: OperatorDashboard = Dashboard,
) -> Response:
    """Live plots, failures, verdicts and the newest sessions."""
    name = window if window in WINDOWS else DEFAULT_WINDOW
    look = await _shared(context, ("ops", name), dashboard.overview, WINDOWS[name])
    sessions = await _shared(context, "ops sessions", dashboard.newest, NEWEST)
    live = refresh != "off"
    windows = [(_address(each, live=live), each, each == name) for each in WINDOWS]
    return framed(
        overview_page(look, sessions, name=name, day_limit_usd=dashboard.day_limit_usd) + lookup(),
        title="Operator",
        settings=context.settings,
        now=look.now,
        live=live,
        choices=choices_of(windows, "Time that is shown") + _switch(_address(name, live=not live), live=live),
    )


@router.get("/ops/sessions", dependencies=[Dashboard])
async def find(id: str = "") -> Response:  # noqa: A002 -- the form's field
    """From the form to the page of the session."""
    return RedirectResponse(f"/ops/sessions/{_uuid(id.strip()) or 'unknown'}", 303)


@router.get("/ops/sessions/{session_id}")
async def timeline(
    context: Context, session_id: str, refresh: str = "on", dashboard: OperatorDashboard = Dashboard
) -> Response:
    """How one session was written."""
    known = _uuid(session_id)
    found = None if known is None else await _shared(context, ("ops", known), dashboard.timeline, known)
    if found is None:
        return _no_session(context)
    live = refresh != "off" and not found.is_complete
    switch = (
        ""
        if found.is_complete
        else _switch(f"/ops/sessions/{known}?refresh={'off' if live else 'on'}", live=live)
    )
    return framed(
        timeline_page(found) + lookup(),
        title="Timeline of a session",
        settings=context.settings,
        now=found.now,
        live=live,
        choices=_BACK + switch,
    )


_BACK = choices_of([("/ops", "Operator", False)], "Operator")


def _no_session(context: AppContext) -> Response:
    return framed(
        "<p>There is no such session. Its id is in the list of the newest sessions, in every log line about it, and "
        f"in the address of the exam.</p>{lookup()}",
        title="No such session",
        settings=context.settings,
        now=datetime.now(UTC),
        live=False,
        choices=_BACK,
        status=404,
    )


async def _shared(
    context: AppContext, key: Hashable, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `ask` returns; equal looks at the same time share one."""
    found, _ = await context.single_flight.share(key, partial(context.on_thread, ask, *args, **kwargs))
    return found


def _address(window: str, *, live: bool) -> str:
    return f"/ops?window={window}" + ("" if live else "&refresh=off")


def _switch(address: str, *, live: bool) -> str:
    return choices_of([(address, "Stop refreshing" if live else "Refresh by itself", False)], "Refresh")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
