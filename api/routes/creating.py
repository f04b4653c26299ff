"""The two calls that create a session; after that, exams and practice sessions share every route."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema

from api.authenticated_route import AuthenticatedRoute
from api.awaited import awaited, unavailable_for_s
from api.context import Caller, RequestContext
from api.errors import documented, retry_after
from api.openapi import session_links, url_of
from api.rate_limits import Kind
from api.schemas import CreateExam, CreatePractice, SessionShape, session_of
from api.waiting import Preference, PreferHeader
from db.retake import RetakeSource
from db.session_status import WantedBatch
from db.sessions import Created
from generation.model import Plan, SessionKind, Urgency
from generation.plan import plan_exam, plan_practice

IdempotencyKey = Annotated[
    str | SkipJsonSchema[None],
    Header(
        min_length=1,
        max_length=255,
        description="The same key and body again return the same session and create no second one",
    ),
]

_ERRORS = documented(
    "quota_exhausted",
    "forbidden_origin",
    "request_timeout",
    "request_too_large",
    "invalid_request",
    "idempotency_key_reused",
    "generation_unavailable",
    "maintenance",
    "service_unavailable",
)
_RETAKE_ERRORS = documented("session_not_found", "session_not_completed")
_SEED_BITS = 62


def _responses(kind: SessionKind) -> dict[int | str, dict[str, Any]]:
    created = {"description": "The session", "headers": _LOCATION, "links": session_links(kind, "id")}
    return {201: created, **_ERRORS}


_LOCATION = {"Location": {"description": "The session's address", "schema": {"type": "string"}}}

exams = APIRouter(route_class=AuthenticatedRoute)
practice = APIRouter(route_class=AuthenticatedRoute)

ROUTERS: Mapping[SessionKind, APIRouter] = {SessionKind.EXAM: exams, SessionKind.PRACTICE: practice}


@dataclass(frozen=True, slots=True)
class Creation:
    """A call that creates an exam or a practice session."""

    call: RequestContext
    preferred: Preference
    idempotency_key: str | None
    request: Request
    response: Response

    async def make(self, plan: Plan, body: BaseModel, *, retakes: RetakeSource | None = None) -> SessionShape:
        """Commit the session, enqueue its first batch, and wait for it as long as the caller prefers."""
        context, digest = self.call.context, _digest(self.call.kind, body)
        # Equal calls that come together are one creation: the others are its replays.
        key = (self.call.user_id, self.idempotency_key or object(), digest)
        created, is_first = await context.single_flight.share(
            key, lambda: self._create(plan, digest, retakes)
        )
        if is_first and not created.replayed:
            await context.enqueue_batch(created.session_id, 0, Urgency.INTERACTIVE)
        session_status = await awaited(
            self.request, self.call, created.session_id, 0, preferred=self.preferred
        )
        self._add_headers(created.session_id, session_status.batch)
        return session_of(await self.call.session(created.session_id))

    async def _create(self, plan: Plan, digest: str, retakes: RetakeSource | None) -> Created:
        """The session, new or of an earlier call with the same key; only a new one counts against the user's rate."""
        context, user_id = self.call.context, self.call.user_id
        if self.idempotency_key is not None:
            find = context.sessions.created_with
            earlier = await context.on_thread(find, user_id, self.idempotency_key, digest)
            if earlier is not None:
                return earlier
        await context.check_rate(user_id, Kind.SESSIONS)
        return await context.on_thread(
            context.sessions.create,
            user_id,
            plan,
            idempotency_key=self.idempotency_key,
            request_digest=digest,
            traceparent=self.call.traceparent,
            exam_config=None if retakes is None else retakes.config_of_retake(plan.total_questions),
        )

    async def source(self, session_id: UUID) -> RetakeSource:
        """The completed exam that is taken again. Raises SessionMissing and SessionNotCompleted."""
        find = self.call.context.sessions.retake_source
        return await self.call.context.on_thread(find, session_id, self.call.user_id)

    def _add_headers(self, session_id: UUID, first_batch: WantedBatch | None) -> None:
        self.response.headers["Location"] = url_of(self.call.kind, session_id)
        self.response.headers.update(self.preferred.headers())
        pause_s = unavailable_for_s(first_batch)
        if pause_s is not None:
            self.response.headers["Retry-After"] = retry_after(pause_s)


async def _creation(
    call: Caller,
    preferred: PreferHeader,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Creation:
    return Creation(call, preferred, idempotency_key, request, response)


CreationCall = Annotated[Creation, Depends(_creation)]


@exams.post(
    "",
    status_code=201,
    response_model_exclude_none=True,
    responses=_responses(SessionKind.EXAM) | _RETAKE_ERRORS,
)
async def create_exam(body: CreateExam, creation: CreationCall) -> SessionShape:
    """Create an exam. Returns it with the questions of its first batch that are ready when the wait ends.

    With `sourceSessionId` it is like that completed exam, with other questions.
    """
    retakes = None if body.source_session_id is None else await creation.source(body.source_session_id)
    track = body.track if retakes is None else retakes.track
    assert track is not None  # noqa: S101 - the body has the one or the other
    context = creation.call.context
    plan = plan_exam(track, seed=_seed(), batch_size=context.plan.exam_batch_size, figures=context.figures)
    return await creation.make(plan, body, retakes=retakes)


@practice.post(
    "", status_code=201, response_model_exclude_none=True, responses=_responses(SessionKind.PRACTICE)
)
async def create_practice(body: CreatePractice, creation: CreationCall) -> SessionShape:
    """Create a practice session. Returns it with the questions of its first batch that are ready when the wait ends."""
    context = creation.call.context
    plan = plan_practice(
        body.choice(),
        track=body.track,
        seed=_seed(),
        batch_size=context.plan.practice_batch_size,
        figures=context.figures,
    )
    return await creation.make(plan, body)


def _seed() -> int:
    return secrets.randbits(_SEED_BITS)


def _digest(kind: SessionKind, body: BaseModel) -> str:
    """The digest of a request, which detects an Idempotency-Key that is reused with another body."""
    return hashlib.sha256(f"{kind.value} {body.model_dump_json(exclude_none=True)}".encode()).hexdigest()
