"""The pages for developers: the first page, the reference, and the OpenAPI description."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from api.context import Context
from api.errors import ApiError
from api.openapi import PREFIXES
from api.plain_html import block, inline, link, page, prose
from api.reference import reference
from generation.model import SessionKind
from runtime.api_settings import ApiSettings

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/")
async def first_page(request: Request, context: Context) -> Response:
    """What runs here, and the first two calls. In production: 404."""
    if context.settings.is_production:
        raise ApiError("not_found")
    address = f"http://{request.headers.get('host') or context.settings.address.partition('://')[2]}"
    return page(request.app.title, _welcome(request.app.summary, address, context.settings))


@router.get("/docs")
async def reference_page(request: Request) -> Response:
    """The reference as HTML: every call, answer and shape."""
    app = request.app
    return page(f"{app.title}: reference", _reference(app))


@router.get("/openapi.json")
async def description(request: Request) -> Response:
    """The OpenAPI description as JSON."""
    return Response(_description(request.app), media_type="application/json")


@lru_cache(maxsize=1)
def _description(app: FastAPI) -> bytes:
    """Made once: anybody may ask for it, and making it again would cost every other caller a millisecond or two."""
    return bytes(JSONResponse(app.openapi()).body)


@lru_cache(maxsize=1)
def _reference(app: FastAPI) -> str:
    """Made once: the description does not change while the process runs."""
    return reference(app.openapi())


def _welcome(summary: str, address: str, settings: ApiSettings) -> str:
    who = '-H "Authorization: Bearer $TOKEN" ' if settings.has_auth else ""
    exams = f"{address}{PREFIXES[SessionKind.EXAM]}"
    create = (
        f"curl -s {who}-H 'Content-Type: application/json' -H 'Prefer: respond-async' \\\n"
        f'  -d \'{{"track": "scientific"}}\' {exams}'
    )
    addresses = [
        ("/ops", "what runs now, what it costs, and how each exam was written"),
        ("/docs", "every call, with examples"),
        ("/openapi.json", "the same for programs (OpenAPI 3.1)"),
        ("/healthz", "whether the process runs"),
        ("/readyz", "whether it can serve"),
        ("/metrics", "its metrics, for Prometheus"),
    ]
    if settings.serves_demo:
        addresses.insert(0, ("/demo", "an exam in your browser"))
    if settings.flower_url:
        addresses.append((settings.flower_url, "Flower: the workers and their tasks"))
    listed = "".join(f"<li>{link(each, each)}: {inline(what)}</li>" for each, what in addresses)
    return "\n".join(
        [
            "<h1>Tafawoq generation</h1>",
            prose(f"{summary} This is a development server; a production server shows nothing here."),
            f"<ul>{listed}</ul>",
            "<h2>The first two calls</h2>",
            prose("Create an exam; the answer has its `id`:"),
            block(create),
            prose("See each question as soon as it is written (replace `ID`):"),
            block(f"curl -sN {who}{exams}/ID/events"),
            prose("Questions are in Arabic and never contain their answers."),
        ]
    )
