"""/demo: an exam in the browser, and its result. Only a development server without auth has these routes.

The page is built from `clients/demo`; `make client` makes its files again.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.authenticated_route import AuthenticatedRoute
from api.context import Context
from api.demo_grading import ResultShape, graded
from api.errors import ApiError
from generation.model import SessionKind

#: More than any session has questions.
_MAX_ANSWERS: Final = 1000

_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
}

#: Everything comes from this server, but for figures, which are images in data URLs.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}

_KINDS: Final = {"exams": SessionKind.EXAM, "practice": SessionKind.PRACTICE}

router = APIRouter(tags=["demo"], include_in_schema=False)
_grading = APIRouter(tags=["demo"], route_class=AuthenticatedRoute)


class HandedIn(BaseModel):
    """The chosen choice, 0 to 3, by 0-based position."""

    model_config = ConfigDict(extra="forbid")

    answers: dict[
        Annotated[int, Field(ge=0, lt=_MAX_ANSWERS)],
        Annotated[int, Field(ge=0, le=3)],
    ] = Field(max_length=_MAX_ANSWERS)


@router.get("/demo")
async def page() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/demo/{name}")
async def file(name: str) -> Response:
    """A file of the page: its script, its style, a font."""
    return _file(name)


@_grading.post("/demo/{kind}/{session_id}/grade")
async def grade(
    kind: Literal["exams", "practice"], session_id: UUID, body: HandedIn, request: Request, context: Context
) -> ResultShape:
    """Close the user's session and grade it. Graded again, it has the same result for the same answers."""
    owner = (_KINDS[kind], request.state.user_id)
    await context.on_thread(context.sessions.session_status, session_id, *owner)  # checks the owner
    await context.on_thread(context.sessions.complete, session_id)
    session = await context.on_thread(context.sessions.view, session_id, *owner)
    return graded(session.questions, body.answers)


def _file(name: str) -> Response:
    found = _files().get(name)
    if found is None:
        raise ApiError("not_found")
    return Response(found, headers=_HEADERS, media_type=_MEDIA_TYPES[name.rpartition(".")[2]])


@lru_cache(maxsize=1)
def _files() -> dict[str, bytes]:
    """The built files by name; only these can be asked for."""
    folder = resources.files("api") / "demo_page"
    return {each.name: each.read_bytes() for each in folder.iterdir()}


router.include_router(_grading)
