"""The answer to an invalid request names the field and what is allowed, and never the value."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from api.field_problems import MAX_NAME_CHARS, MAX_PROBLEMS, FieldProblem, field_problems
from api.schemas import AskBatch, AskedMoment, CreateExam, CreatePractice
from generation.model import Section, Topic

PRACTICE = {"section": "verbal", "categories": ["analogy"], "difficulty": "easy", "questionCount": 5}
SECRET = "hunter2"


@pytest.fixture(scope="module")
def http() -> TestClient:
    """Routes with our bodies, queries and headers, which answer with their field problems."""
    app = FastAPI()

    @app.exception_handler(RequestValidationError)
    async def _problems(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        fields = field_problems(error.errors(), content_type=request.headers.get("content-type"))
        return JSONResponse(fields, 422)

    @app.post("/practice")
    def _practice(_body: CreatePractice) -> None: ...

    @app.post("/exams")
    def _exam(_body: CreateExam) -> None: ...

    @app.post("/questions")
    def _questions(_body: AskBatch) -> None: ...

    @app.get("/list")
    def _listed(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        before: AskedMoment | None = None,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=5, pattern="^[a-z]+$")] = None,
    ) -> None: ...

    return TestClient(app)


def problems(http: TestClient, path: str, **request: Any) -> list[dict[str, Any]]:
    method = "GET" if path.startswith("/list") else "POST"
    answer = http.request(method, path, **request)
    assert answer.status_code == 422, answer.text
    found: list[dict[str, Any]] = answer.json()
    for problem in found:
        FieldProblem.model_validate(problem, extra="forbid")
    return found


TOPICS = [topic.value for topic in Topic]
VERBAL = [topic.value for topic in Topic if topic.section is Section.VERBAL]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"section": SECRET}, {"field": "section", "problem": "enum", "allowed": ["quantitative", "verbal"]}),
        ({"section": 7}, {"field": "section", "problem": "enum", "allowed": ["quantitative", "verbal"]}),
        (
            {"categories": ["analogy", SECRET]},
            {"field": "categories.1", "problem": "enum", "allowed": TOPICS},
        ),
        (
            {"categories": ["analogy", "algebra"]},
            {"field": "categories.1", "problem": "category_outside_section", "allowed": VERBAL},
        ),
        ({"categories": []}, {"field": "categories", "problem": "too_short", "minLength": 1}),
        ({"categories": ["analogy"] * 13}, {"field": "categories", "problem": "too_long", "maxLength": 12}),
        ({"categories": SECRET}, {"field": "categories", "problem": "list_type", "type": "array"}),
        ({"questionCount": 0}, {"field": "questionCount", "problem": "greater_than_equal", "minimum": 1}),
        ({"questionCount": 101}, {"field": "questionCount", "problem": "less_than_equal", "maximum": 100}),
        ({"questionCount": "5"}, {"field": "questionCount", "problem": "int_type", "type": "integer"}),
        ({"questionCount": 5.5}, {"field": "questionCount", "problem": "int_type", "type": "integer"}),
        ({"questionCount": None}, {"field": "questionCount", "problem": "int_type", "type": "integer"}),
        ({"colour": SECRET}, {"field": "colour", "problem": "extra_forbidden"}),
    ],
)
def test_an_invalid_field_is_named_with_what_is_allowed(
    http: TestClient, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = problems(http, "/practice", json=PRACTICE | change)

    assert found == [expected]
    assert SECRET not in json.dumps(found)


def test_every_missing_field_is_named(http: TestClient) -> None:
    assert problems(http, "/practice", json={}) == [
        {"field": name, "problem": "missing"}
        for name in ("section", "categories", "difficulty", "questionCount")
    ]


def test_the_categories_of_an_invalid_section_are_not_reported(http: TestClient) -> None:
    (only,) = problems(http, "/practice", json=PRACTICE | {"section": "history"})
    assert only["field"] == "section"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", {"field": "body", "problem": "missing"}),
        (b"[]", {"field": "body", "problem": "model_attributes_type", "type": "object"}),
        (b'"hunter2"', {"field": "body", "problem": "model_attributes_type", "type": "object"}),
        (b'{"track": hunter2}', {"field": "body", "problem": "json_invalid", "position": 10}),
        (b"\xff\xfe", {"field": "body", "problem": "json_invalid", "position": 0}),
    ],
)
def test_an_unreadable_body_is_one_problem_of_the_whole_body(
    http: TestClient, content: bytes, expected: dict[str, Any]
) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert problems(http, "/exams", content=content, headers=headers) == [expected]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_json_with_another_content_type_is_a_problem_of_the_header(
    http: TestClient, kind: str | None
) -> None:
    """What `curl --data` sends without a header."""
    headers = {} if kind is None else {"Content-Type": kind}
    assert problems(http, "/exams", content=b'{"track": "literary"}', headers=headers) == [
        {"field": "header.content-type", "problem": "content_type", "allowed": ["application/json"]}
    ]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"params": {"limit": 0}}, {"field": "query.limit", "problem": "greater_than_equal", "minimum": 1}),
        (
            {"params": {"limit": SECRET}},
            {"field": "query.limit", "problem": "int_parsing", "type": "integer"},
        ),
        (
            {"params": {"before": "2026-13-01T00:00:00Z"}},
            {"field": "query.before", "problem": "datetime_from_date_parsing", "format": "date-time"},
        ),
        (
            {"params": {"before": "2026-11-01T00:00:00"}},
            {"field": "query.before", "problem": "timezone_aware", "format": "date-time"},
        ),
        (
            {"headers": {"Idempotency-Key": "toolong"}},
            {"field": "header.idempotency-key", "problem": "string_too_long", "maxLength": 5},
        ),
        (
            {"headers": {"Idempotency-Key": "a1"}},
            {
                "field": "header.idempotency-key",
                "problem": "string_pattern_mismatch",
                "pattern": "^[a-z]+$",
            },
        ),
    ],
)
def test_a_query_parameter_or_a_header_is_named_with_its_place(
    http: TestClient, request_: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert problems(http, "/list", **request_) == [expected]


def test_a_negative_batch_index_is_answered_with_its_minimum(http: TestClient) -> None:
    assert problems(http, "/questions", json={"batchIndex": -1}) == [
        {"field": "batchIndex", "problem": "greater_than_equal", "minimum": 0}
    ]


def test_a_caller_cannot_make_the_answer_long(http: TestClient) -> None:
    invented = {f"{number:03}{'x' * 500}": 1 for number in range(300)}
    found = problems(http, "/exams", json=invented)

    assert len(found) == MAX_PROBLEMS
    assert max(len(problem["field"]) for problem in found) == MAX_NAME_CHARS
