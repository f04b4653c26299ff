"""A student's sessions: listed, read, paused, resumed and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic.json_schema import SkipJsonSchema

from api.authenticated_route import AuthenticatedRoute
from api.context import Caller, RequestContext
from api.errors import documented
from api.schemas import AskedMoment, SessionPage, SessionShape, session_of, summary_of

_RESPONSES = documented("session_not_found", "invalid_request", "service_unavailable")
_STATUS_CHANGE_RESPONSES = documented("session_closed") | _RESPONSES

router = APIRouter(route_class=AuthenticatedRoute)


@router.get(
    "",
    response_model_exclude_none=True,
    responses=documented("invalid_request", "service_unavailable"),
)
async def list_sessions(
    call: Caller,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[
        AskedMoment | SkipJsonSchema[None], Query(description="`nextBefore` of the previous page")
    ] = None,
) -> SessionPage:
    """The user's sessions without their questions, newest first."""
    context = call.context
    found = await context.on_thread(context.sessions.page, call.user_id, call.kind, limit, before=before)
    return SessionPage(
        sessions=tuple(summary_of(session) for session in found),
        next_before=found[-1].created_at if len(found) == limit else None,
    )


@router.get("/{session_id}", response_model_exclude_none=True, responses=_RESPONSES)
async def read_session(session_id: UUID, call: Caller) -> SessionShape:
    """The session with every committed question, including those of a batch in progress."""
    return session_of(await call.session(session_id))


@router.post("/{session_id}/cancel", response_model_exclude_none=True, responses=_RESPONSES)
async def cancel_session(session_id: UUID, call: Caller) -> SessionShape:
    """Abandon the session: generation and spending stop. A session that is over stays as it is."""
    return await _changed(session_id, call, call.context.sessions.cancel)


@router.post("/{session_id}/pause", response_model_exclude_none=True, responses=_STATUS_CHANGE_RESPONSES)
async def pause_session(session_id: UUID, call: Caller) -> SessionShape:
    """No further batch is started until the session is resumed."""
    return await _changed(session_id, call, call.context.sessions.pause)


@router.post("/{session_id}/resume", response_model_exclude_none=True, responses=_STATUS_CHANGE_RESPONSES)
async def resume_session(session_id: UUID, call: Caller) -> SessionShape:
    """Continue after a pause. Returns the session with every committed question."""
    return await _changed(session_id, call, call.context.sessions.resume)


async def _changed(session_id: UUID, call: RequestContext, change: Callable[[UUID], None]) -> SessionShape:
    await call.session_status(session_id)  # checks the owner, which `change` does not
    await call.context.on_thread(change, session_id)
    return session_of(await call.session(session_id))
