"""What the API says when it cannot do as asked: one table from error to status, code and sentence.

The sentence is Arabic, ours, and for the student; the code is stable and for programs. Nothing of the
request, the database or a model's reply ever gets into an answer from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from api import examples
from api.field_problems import BODY, FieldProblem, field_problems
from db.errors import DatabaseUnreachable, IdempotencyConflict, QuestionNotLoaded, QuotaExhausted
from generation.errors import (
    BatchNotNext,
    GenerationError,
    PlanError,
    SessionClosed,
    SessionMissing,
    SpendLimitReached,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one code means: its HTTP status, and the sentence the student reads."""

    status: int
    sentence: str


ANSWERS: Mapping[str, Answer] = {
    "invalid_batch_index": Answer(400, "هذه ليست المجموعة التالية من الأسئلة."),
    "unauthorized": Answer(401, "يلزم تسجيل الدخول للمتابعة."),
    "quota_exhausted": Answer(403, "لا يسمح رصيدك ببدء جلسة جديدة الآن."),
    "forbidden_origin": Answer(403, "لا يُقبل هذا الطلب من هذا المصدر."),
    "session_not_found": Answer(404, "لم نجد هذه الجلسة."),
    "not_found": Answer(404, "هذا العنوان غير موجود."),
    "method_not_allowed": Answer(405, "هذه العملية غير متاحة على هذا العنوان."),
    "generation_in_progress": Answer(409, "الأسئلة قيد الإعداد الآن، انتظر قليلًا ثم أعد المحاولة."),
    "session_closed": Answer(409, "انتهت هذه الجلسة، ولا يمكن إضافة أسئلة إليها."),
    "session_paused": Answer(409, "هذه الجلسة متوقفة مؤقتًا، استأنفها أولًا."),
    "question_not_loaded": Answer(409, "هذا السؤال لم يُحمَّل بعد."),
    "request_too_large": Answer(413, "الطلب أكبر من الحد المسموح به."),
    "malformed_request": Answer(400, "لم نتمكن من قراءة هذا الطلب."),
    "request_timeout": Answer(408, "لم يصل الطلب كاملًا في الوقت المحدد، أعد المحاولة."),
    "url_too_long": Answer(414, "عنوان الطلب أطول من الحد المسموح به."),
    "request_head_too_large": Answer(431, "ترويسات الطلب أكبر من الحد المسموح به."),
    "invalid_request": Answer(422, "بيانات الطلب غير صحيحة."),
    "idempotency_key_reused": Answer(422, "استُخدم مفتاح هذا الطلب من قبل مع بيانات مختلفة."),
    "too_many_requests": Answer(429, "طلبات كثيرة في وقت قصير، انتظر قليلًا ثم أعد المحاولة."),
    "internal_error": Answer(500, "حدث خطأ غير متوقع، حاول مرة أخرى بعد قليل."),
    "generation_unavailable": Answer(503, "تعذّر إعداد الأسئلة الآن وما زلنا نحاول، عُد بعد قليل."),
    "service_unavailable": Answer(503, "الخدمة غير متاحة مؤقتًا، حاول مرة أخرى بعد قليل."),
}

#: Sentences that are more exact than their code's own, by the kind of the validation problem.
EXACT_SENTENCES: Mapping[str, str] = {
    "category_outside_section": "بعض الموضوعات المختارة لا تنتمي إلى القسم المختار.",
}

#: What a student is told when money stops new work: nobody is trying at the moment.
NOT_NOW = "لا يمكن إعداد أسئلة جديدة الآن، عُد في وقت لاحق."

#: The family's errors that a caller can cause; any other one is our bug, and answered as such.
_OF_THE_FAMILY: Mapping[type[Exception], str] = {
    BatchNotNext: "invalid_batch_index",
    SessionMissing: "session_not_found",
    SessionClosed: "session_closed",
    QuestionNotLoaded: "question_not_loaded",
    PlanError: "invalid_request",
    IdempotencyConflict: "idempotency_key_reused",
    QuotaExhausted: "quota_exhausted",
    DatabaseUnreachable: "service_unavailable",
    SpendLimitReached: "generation_unavailable",
}

_OF_THE_FRAMEWORK: Mapping[int, str] = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
}

#: After these the client's body is not read any more, so the connection is of no use.
_AND_GOODBYE = frozenset({"request_timeout", "request_too_large"})

_OUR_FAULT = 500

#: Statuses of which some answers say when to come back.
_WITH_RETRY_AFTER = frozenset({409, 429, 503})
_SECONDS = {"type": "integer", "minimum": 1}

#: How soon to come back when nothing better is known, in seconds.
RETRY_AFTER_S = 2


class ApiError(Exception):
    """The API says no: `code` is one of ANSWERS, `details` are fields added to the body."""

    def __init__(
        self,
        code: str,
        *,
        sentence: str | None = None,
        retry_after_s: float | None = None,
        **details: Any,
    ) -> None:
        self.code = code
        self.sentence = sentence or ANSWERS[code].sentence
        self.retry_after_s = retry_after_s
        self.details = details
        super().__init__(code)

    @property
    def status(self) -> int:
        return ANSWERS[self.code].status


class ErrorShape(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(extra="allow")

    error: str = Field(description="A short Arabic sentence for the student")
    code: str = Field(description="Stable, for programs", json_schema_extra={"enum": list(ANSWERS)})
    request_id: str = Field(alias="requestId", description="Stands in our log as well")
    expected_batch_index: int | SkipJsonSchema[None] = Field(
        None, alias="expectedBatchIndex", description="With `invalid_batch_index`: the one that is next"
    )
    events_url: str | SkipJsonSchema[None] = Field(
        None, alias="eventsUrl", description="With `generation_in_progress`: where to follow it"
    )
    fields: list[FieldProblem] | SkipJsonSchema[None] = Field(
        None,
        description="With `invalid_request`: what is wrong and what would be right, never the value that was sent",
    )


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The answers of these codes, for the OpenAPI description of a route."""
    by_status: dict[int | str, list[str]] = {}
    for code in codes:
        by_status.setdefault(ANSWERS[code].status, []).append(code)
    return {status: _documented(status, named) for status, named in by_status.items()}


def _documented(status: int | str, codes: Sequence[str]) -> dict[str, Any]:
    shown = {code: {"value": _example(code)} for code in codes}
    described: dict[str, Any] = {
        "model": ErrorShape,
        "description": " or ".join(f"`{code}`" for code in codes),
        "content": {"application/json": {"examples": shown}},
    }
    if status in _WITH_RETRY_AFTER:
        described["headers"] = {
            "Retry-After": {"description": "Seconds until it makes sense to ask again", "schema": _SECONDS}
        }
    return described


def _example(code: str) -> dict[str, Any]:
    said = {"error": ANSWERS[code].sentence, "code": code, "requestId": examples.REQUEST_ID}
    return said | examples.DETAILS.get(code, {})


def install(app: FastAPI) -> None:
    """Answer every error of the app's routes in the one shape; unforeseen ones are the middleware's."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(GenerationError, _on_family)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_framework)
    for overloaded in (OperationalError, PoolTimeout):
        app.add_exception_handler(overloaded, _on_database)


def answer(api_error: ApiError, request_id: str) -> JSONResponse:
    """The refusal on the wire: `error`, `code`, `requestId`, and the fields that belong to the code."""
    body = {"error": api_error.sentence, "code": api_error.code, "requestId": request_id, **api_error.details}
    return JSONResponse(body, api_error.status, headers=_headers(api_error))


def retry_after(seconds: float) -> str:
    """Whole seconds, never zero: a client that comes back at once would spin."""
    return str(max(1, math.ceil(seconds)))


def _headers(api_error: ApiError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if api_error.retry_after_s is not None:
        headers["Retry-After"] = retry_after(api_error.retry_after_s)
    if api_error.status == 401:  # noqa: PLR2004 - the status is the clearer name
        headers["WWW-Authenticate"] = "Bearer"
    if api_error.code in _AND_GOODBYE:
        headers["Connection"] = "close"
    return headers


def _respond(request: Request, api_error: ApiError) -> JSONResponse:
    request.state.error_code = api_error.code
    return answer(api_error, request.state.request_id)


async def _on_api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class only
    return _respond(request, error)


async def _on_family(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GenerationError)  # noqa: S101 - registered for this class only
    if isinstance(error, SpendLimitReached):
        request.app.state.context.metrics.spend_rejections.labels(error.scope).inc()
    return _respond(request, error_for(error))


def error_for(error: GenerationError) -> ApiError:
    """What the caller is told of an error of the family."""
    code = code_for(type(error))
    if isinstance(error, SpendLimitReached):
        log.warning("spend_limit_reached", scope=error.scope, text=str(error))
    elif ANSWERS[code].status >= _OUR_FAULT:
        log.error("call_failed", error=type(error).__name__, code=error.code)
    if isinstance(error, BatchNotNext):
        return ApiError(code, expectedBatchIndex=error.expected)
    if isinstance(error, SpendLimitReached):
        return ApiError(code, sentence=NOT_NOW, retry_after_s=error.retry_after_s)
    return ApiError(code, retry_after_s=RETRY_AFTER_S if code == "service_unavailable" else None)


def code_for(kind: type[GenerationError]) -> str:
    """The code of ANSWERS for errors of this kind: its own, or that of the nearest kind that it is one of."""
    return next((_OF_THE_FAMILY[each] for each in kind.__mro__ if each in _OF_THE_FAMILY), "internal_error")


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    problems: Sequence[Mapping[str, Any]] = error.errors()
    if any(tuple(problem["loc"]) == ("path", "session_id") for problem in problems):
        return _respond(request, ApiError("session_not_found"))
    sentences = (EXACT_SENTENCES.get(problem["type"]) for problem in problems)
    api_error = ApiError(
        "invalid_request",
        sentence=next(filter(None, sentences), None),
        fields=field_problems(problems, content_type=request.headers.get("content-type")),
    )
    return _respond(request, api_error)


async def _on_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    code = _OF_THE_FRAMEWORK.get(error.status_code, "invalid_request")
    api_error = ApiError(code)
    if code == "invalid_request":  # the framework could not even read the body
        api_error.details["fields"] = [{"field": BODY, "problem": "json_invalid"}]
    response = _respond(request, api_error)
    if code == "method_not_allowed":
        named = sorted(_methods_at(request)) or [(error.headers or {}).get("Allow", "")]
        response.headers["Allow"] = ", ".join(named)
    return response


def _methods_at(request: Request) -> set[str]:
    """All methods of a described address; the framework names those of its first route only."""
    described: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    return {
        method.upper()
        for template, operations in described.items()
        if compile_path(template)[0].match(request.url.path)
        for method in operations
    }


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    """No connection was free in time, or Postgres met a trouble of its own that the store does not know."""
    cause = error.orig if isinstance(error, OperationalError) else None
    log.error("database_overloaded", error=type(cause or error).__name__)
    return _respond(request, ApiError("service_unavailable", retry_after_s=RETRY_AFTER_S))
