"""A student's report that a question is wrong."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from api.authenticated_route import AuthenticatedRoute
from api.context import Caller
from api.errors import documented
from api.schemas import MAX_QUESTION_INDEX, ReportQuestion, ReportShape

router = APIRouter(route_class=AuthenticatedRoute)

_CREATED, _KEPT = 201, 200


@router.post(
    "/{session_id}/questions/{position}/reports",
    status_code=_CREATED,
    responses={
        _KEPT: {"model": ReportShape, "description": "Reported before; the first report is kept"},
        **documented(
            "request_timeout",
            "request_too_large",
            "session_not_found",
            "question_not_loaded",
            "invalid_request",
            "service_unavailable",
        ),
    },
)
async def report_question(
    session_id: UUID,
    position: Annotated[int, Path(ge=0, le=MAX_QUESTION_INDEX)],
    body: ReportQuestion,
    call: Caller,
    response: Response,
) -> ReportShape:
    """Report a question to the people who review questions: once a student and question, also after the session's end."""
    is_new = await call.context.on_thread(
        call.context.reports.add,
        session_id,
        call.kind,
        call.user_id,
        position=position,
        reason=body.reason,
        text=body.text,
    )
    if is_new:
        call.context.metrics.reports.labels(body.reason).inc()
    else:
        response.status_code = _KEPT
    return ReportShape(index=position, already_reported=not is_new)
