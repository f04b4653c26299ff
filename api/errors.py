"""The errors of the API: one table from error to status, code and sentence.

The sentence is our own Arabic, for the student; the code is stable, for programs. An error never contains
anything of the request, the database or a model's reply.
"""

from __future__ import annotations

import logging
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
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from api import examples
from api.field_problems import BODY, FieldProblem, field_problems
from db.errors import (
    DatabaseUnreachable,
    IdempotencyConflict,
    Maintenance,
    QuestionNotLoaded,
    QuotaExhausted,
    SessionNotCompleted,
    TooManyReports,
    UserGone,
)
from db.refusals import unfit
from generation.adoption import NotAdopted, NotAdoptedReason
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
    "session_not_completed": Answer(409, "لا تُعاد إلا الاختبارات المكتملة."),
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
    "maintenance": Answer(503, "النظام قيد الصيانة، تابع جلساتك المفتوحة وابدأ الجديدة لاحقًا."),
    "service_unavailable": Answer(503, "الخدمة غير متاحة مؤقتًا، حاول مرة أخرى بعد قليل."),
}

#: Sentences that are more exact than their code's own, by the kind of the validation problem.
EXACT_SENTENCES: Mapping[str, str] = {
    "category_outside_section": "بعض الموضوعات المختارة لا تنتمي إلى القسم المختار.",
}

#: The sentence when a spend limit stops new work: unlike the code's own, it does not say that we keep trying.
NOT_NOW = "لا يمكن إعداد أسئلة جديدة الآن، عُد في وقت لاحق."

#: The sentence while a batch rests: it begins again when the student asks for it after the rest.
RESTING = "لم ننجح في إعداد هذه الأسئلة بعد عدة محاولات، فتوقفنا لبعض الوقت. عُد لاحقًا لنحاول من جديد."

#: The sentence when a student has reached their own limit of the day.
NOT_TODAY = "بلغتَ حدّك اليومي من الأسئلة الجديدة، أكمل جلساتك المفتوحة أو عُد غدًا."

#: The codes of the GenerationErrors that a caller can meet; any other one is our bug: `internal_error`.
_GENERATION_CODES: Mapping[type[Exception], str] = {
    BatchNotNext: "invalid_batch_index",
    SessionMissing: "session_not_found",
    SessionClosed: "session_closed",
    QuestionNotLoaded: "question_not_loaded",
    TooManyReports: "too_many_requests",
    PlanError: "invalid_request",
    IdempotencyConflict: "idempotency_key_reused",
    QuotaExhausted: "quota_exhausted",
    Maintenance: "maintenance",
    SessionNotCompleted: "session_not_completed",
    UserGone: "unauthorized",
    DatabaseUnreachable: "service_unavailable",
    SpendLimitReached: "generation_unavailable",
}

_FRAMEWORK_CODES: Mapping[int, str] = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
}

#: After these the rest of the body stays unread, so the connection cannot be used again.
_CLOSING_CODES = frozenset({"request_timeout", "request_too_large"})

_OUR_FAULT = 500

#: Statuses that may carry Retry-After.
_WITH_RETRY_AFTER = frozenset({409, 429, 503})
_SECONDS = {"type": "integer", "minimum": 1}

#: Retry-After when no better value is known, in seconds.
RETRY_AFTER_S = 2

#: Retry-After while the maintenance switch is on, in seconds: longer than a page waits by itself.
MAINTENANCE_S = 300

#: Retry-After while the web app's own generator may still write to a session, in seconds.
OLD_GENERATOR_S = 60

#: The day of a user's reports moves on with the clock; nobody need ask more often.
REPORTS_AGAIN_AFTER_S = 3600


class ApiError(Exception):
    """An error answer: `code` is a key of ANSWERS, `details` are added to the body as fields."""

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
    request_id: str = Field(alias="requestId", description="The same id is in our log")
    expected_batch_index: int | SkipJsonSchema[None] = Field(
        None, alias="expectedBatchIndex", description="With `invalid_batch_index`: the next batch index"
    )
    events_url: str | SkipJsonSchema[None] = Field(
        None, alias="eventsUrl", description="With `generation_in_progress`: where to follow the batch"
    )
    reason: str | SkipJsonSchema[None] = Field(
        None, description="With `session_not_found`: why a session from before the switch is not adopted"
    )
    fields: list[FieldProblem] | SkipJsonSchema[None] = Field(
        None,
        description="With `invalid_request`: what is wrong and what is allowed, never the value that was sent",
    )


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The error answers with these codes, for the OpenAPI description of a route."""
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
            "Retry-After": {"description": "Seconds to wait before the same call", "schema": _SECONDS}
        }
    return described


def _example(code: str) -> dict[str, Any]:
    body = {"error": ANSWERS[code].sentence, "code": code, "requestId": examples.REQUEST_ID}
    return body | examples.DETAILS.get(code, {})


def install(app: FastAPI) -> None:
    """Answer the routes' errors in the one shape. The middleware RequestLog answers unforeseen ones."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(GenerationError, _on_generation_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_framework)
    for overloaded in (OperationalError, PoolTimeout):
        app.add_exception_handler(overloaded, _on_database)
    app.add_exception_handler(ProgrammingError, _on_unfit_database)


def answer(api_error: ApiError, request_id: str) -> JSONResponse:
    """The HTTP response: `error`, `code`, `requestId`, and the fields that belong to the code."""
    body = {"error": api_error.sentence, "code": api_error.code, "requestId": request_id, **api_error.details}
    return JSONResponse(body, api_error.status, headers=_headers(api_error))


def retry_after(seconds: float) -> str:
    """Whole seconds, at least one: with zero a client would retry in a tight loop."""
    return str(max(1, math.ceil(seconds)))


def _headers(api_error: ApiError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if api_error.retry_after_s is not None:
        headers["Retry-After"] = retry_after(api_error.retry_after_s)
    if api_error.status == 401:  # noqa: PLR2004 - the status is the clearer name
        headers["WWW-Authenticate"] = "Bearer"
    if api_error.code in _CLOSING_CODES:
        headers["Connection"] = "close"
    return headers


def _respond(request: Request, api_error: ApiError) -> JSONResponse:
    request.state.error_code = api_error.code
    return answer(api_error, request.state.request_id)


async def _on_api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class only
    return _respond(request, error)


async def _on_generation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GenerationError)  # noqa: S101 - registered for this class only
    if isinstance(error, SpendLimitReached):
        request.app.state.context.metrics.spend_rejections.labels(error.scope).inc()
    return _respond(request, error_for(error))


def error_for(error: GenerationError) -> ApiError:
    """The answer to a GenerationError; logs a spend limit and what is our fault."""
    code = code_for(type(error))
    if isinstance(error, Maintenance):
        log.info("maintenance_refused")
        return ApiError(code, sentence=error.sentence, retry_after_s=MAINTENANCE_S)
    if isinstance(error, SpendLimitReached):
        # One student's limit is no operator's concern.
        level = logging.INFO if error.scope == "user" else logging.WARNING
        log.log(level, "spend_limit_reached", scope=error.scope, text=str(error))
    elif ANSWERS[code].status >= _OUR_FAULT:
        log.error("call_failed", error=type(error).__name__, code=error.code, **_reason(error))
    if isinstance(error, BatchNotNext):
        return ApiError(code, expectedBatchIndex=error.expected)
    if isinstance(error, TooManyReports):
        return ApiError(code, retry_after_s=REPORTS_AGAIN_AFTER_S)
    if isinstance(error, SpendLimitReached):
        return _spend_limit_error(error)
    if isinstance(error, NotAdopted):
        return _not_adopted_error(error)
    return ApiError(code, retry_after_s=RETRY_AFTER_S if code == "service_unavailable" else None)


def _reason(error: GenerationError) -> dict[str, str]:
    """Why Postgres serves nobody, where that is known."""
    if isinstance(error, DatabaseUnreachable) and error.remedy:
        return {"says": error.says, "remedy": error.remedy}
    return {}


def _spend_limit_error(error: SpendLimitReached) -> ApiError:
    if error.scope == "user":
        return ApiError("too_many_requests", sentence=NOT_TODAY, retry_after_s=error.retry_after_s)
    return ApiError(code_for(type(error)), sentence=NOT_NOW, retry_after_s=error.retry_after_s)


def _not_adopted_error(error: NotAdopted) -> ApiError:
    log.info("session_not_adopted", reason=error.reason.value)
    if error.reason is NotAdoptedReason.STILL_GENERATING:
        return ApiError("generation_in_progress", retry_after_s=OLD_GENERATOR_S)
    return ApiError(code_for(type(error)), reason=error.reason.value)


def code_for(kind: type[GenerationError]) -> str:
    """The code for errors of this class: its own, or that of its nearest base class."""
    return next(
        (_GENERATION_CODES[each] for each in kind.__mro__ if each in _GENERATION_CODES), "internal_error"
    )


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
    code = _FRAMEWORK_CODES.get(error.status_code, "invalid_request")
    api_error = ApiError(code)
    if code == "invalid_request":  # the framework could not read the body at all
        api_error.details["fields"] = [{"field": BODY, "problem": "json_invalid"}]
    response = _respond(request, api_error)
    if code == "method_not_allowed":
        named = sorted(_methods_at(request)) or [(error.headers or {}).get("Allow", "")]
        response.headers["Allow"] = ", ".join(named)
    return response


def _methods_at(request: Request) -> set[str]:
    """All methods of a documented address; the framework names only those of its first route."""
    described: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    return {
        method.upper()
        for template, operations in described.items()
        if compile_path(template)[0].match(request.url.path)
        for method in operations
    }


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    """No connection was free in time, or Postgres had a problem that the store does not know."""
    cause = error.orig if isinstance(error, OperationalError) else None
    log.error("database_overloaded", error=type(cause or error).__name__)
    return _respond(request, ApiError("service_unavailable", retry_after_s=RETRY_AFTER_S))


async def _on_unfit_database(request: Request, error: Exception) -> JSONResponse:
    """Our tables or our rights are not what this version needs. Raises any other error: that is our bug."""
    assert isinstance(error, ProgrammingError)  # noqa: S101 - registered for this class only
    reason = unfit(error)
    if not reason:
        raise error
    log.error("database_unfit", **reason)
    return _respond(request, ApiError("service_unavailable", retry_after_s=RETRY_AFTER_S))
