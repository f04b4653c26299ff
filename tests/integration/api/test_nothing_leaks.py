"""No answer leaks: these tests visit every route of the app, so that a new one is always tested."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import structlog
from sqlalchemy import Engine

from db.review_queue import ReviewQueue
from db.reviews import ReviewStore
from db.verdicts import PublishedVerdicts
from generation.verdicts import Doubt, Finding, Verdict
from tests.integration.api.conftest import Serve
from tests.integration.api.served import SECRET, Served

REPORTED, WORDS = "بلاغ طالب سري", "ألفاظ مشكوك فيها"

_OPEN = {"/healthz", "/readyz", "/metrics"}
_BODIES: dict[str, dict[str, Any]] = {
    "/api/exams": {"track": "scientific"},
    "/api/practice": {
        "section": "verbal",
        "categories": ["analogy"],
        "difficulty": "easy",
        "questionCount": 5,
    },
    "questions": {"batchIndex": 0},
    "progress": {"questionIndex": 1},
    "reports": {"reason": "mathematical", "text": REPORTED},
}


def routes(served: Served) -> Iterator[tuple[str, str]]:
    """Method and path of every operation; those that close a session come last."""
    paths = served.app.openapi()["paths"]
    found = [(method, path) for path, operations in paths.items() for method in operations]
    yield from sorted(found, key=lambda route: route[1].endswith("/cancel"))


def body_for(path: str) -> dict[str, Any] | None:
    return _BODIES.get(path) or _BODIES.get(path.rpartition("/")[2])


def all_answers(client: httpx2.Client, served: Served, session_ids: dict[str, str]) -> dict[str, str]:
    """The answer of each route, with headers and streams."""
    answers = {}
    for method, path in routes(served):
        kind = path.split("/")[2] if path.startswith("/api/") else ""
        url = served.url + path.replace("{session_id}", session_ids.get(kind, "")).replace("{position}", "1")
        with client.stream(method, url, json=body_for(path), headers={"Prefer": "wait=0"}) as response:
            assert response.status_code < 500, path
            text = "".join(_until_quiet(response))
        answers[f"{method} {path}"] = f"{response.headers} {text}"
    return answers


def _until_quiet(response: httpx2.Response) -> Iterator[str]:
    """The whole body, or of a stream the part before its first comment."""
    for line in response.iter_lines():
        if line.startswith(":"):
            return
        yield line


@pytest.fixture
def log_lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Our log lines as a process writes them."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    caplog.set_level(logging.DEBUG)
    yield caplog
    structlog.reset_defaults()


def test_no_route_and_no_log_line_shows_an_answer(serve: Serve, log_lines: pytest.LogCaptureFixture) -> None:
    """D29: in the original the creating call of a practice session returned the answer keys."""
    served = serve(api_heartbeat_s=0.2, api_poll_s=0.05)
    with served.client(uuid4()) as client:
        session_ids = {}
        for kind in ("exams", "practice"):
            created = client.post(f"/{kind}", json=_BODIES[f"/api/{kind}"], headers={"Prefer": "wait=0"})
            session_ids[kind] = created.json()["id"]
            served.writer.finish()
        answers = all_answers(client, served, session_ids)

    assert "ما ناتج المسألة" in answers["get /api/exams/{session_id}"]
    assert "ما ناتج المسألة" in answers["get /api/practice/{session_id}/events"]
    for route, text in answers.items():
        for secret in (SECRET, json.dumps(SECRET).strip('"'), "answerIndex", "explanation", "fingerprint-"):
            assert secret not in text, route
    for record in log_lines.records:
        for secret in (SECRET, "ما ناتج", json.dumps("ما ناتج").strip('"'), "answerIndex"):
            assert secret not in record.getMessage()


def test_nothing_that_is_known_against_a_question_reaches_a_student(
    serve: Serve, engine: Engine, log_lines: pytest.LogCaptureFixture
) -> None:
    """Neither a verdict nor its reasons nor a report; only that a person changed the question, and when."""
    served = serve(api_heartbeat_s=0.2, api_poll_s=0.05)
    with served.client(uuid4()) as client:
        session_ids = {}
        for kind in ("exams", "practice"):
            created = client.post(f"/{kind}", json=_BODIES[f"/api/{kind}"], headers={"Prefer": "wait=0"})
            session_ids[kind] = created.json()["id"]
            served.writer.finish()
            client.post(f"/{kind}/{session_ids[kind]}/questions/1/reports", json=_BODIES["reports"])
            dispute_everything(engine, served, UUID(session_ids[kind]))
        answers = all_answers(client, served, session_ids)

    assert '"retired"' in answers["get /api/exams/{session_id}"]
    assert '"retired"' in answers["get /api/exams/{session_id}/events"]
    known = [
        REPORTED,
        WORDS,
        *Verdict,
        *Doubt,
        "verdict",
        "solver",
        "graded",
        "previous",
        "wasRead",
        "error_name",
    ]
    known = [word for word in known if word not in {Doubt.LANGUAGE, Doubt.PASSAGE}]  # usual words of the API
    for route, text in answers.items():
        if route not in {"get /metrics", "get /openapi.json", "get /"}:
            assert not [secret for secret in known if secret in text], route
    for record in log_lines.records:
        assert not [secret for secret in (REPORTED, WORDS) if secret in record.getMessage()]


def dispute_everything(engine: Engine, served: Served, session_id: UUID) -> None:
    """And retire the reported question."""
    claim = served.writer.batches.claim_check(session_id, 0)
    assert claim is not None
    verdicts = PublishedVerdicts(engine)
    finding = Finding(Verdict.DISPUTED, tuple(Doubt), WORDS, "solver")
    found = {question.fingerprint: finding for question in verdicts.unchecked(claim)}
    verdicts.settle_verdicts(claim, found)
    reported = ReviewQueue(engine).one(session_id, 1)
    assert reported is not None
    ReviewStore(engine).retire(reported)


def test_every_route_except_those_for_operators_needs_authentication(serve: Serve) -> None:
    """D29: in the original a route without a check let everybody spend money with the API key."""
    served = serve(api_service_token="the-service-token")
    with httpx2.Client(base_url=served.url) as client:
        for method, path in routes(served):
            url = path.replace("{session_id}", str(uuid4())).replace("{position}", "1")
            answer = client.request(method, url, json=body_for(path), headers={"X-User-Id": str(uuid4())})
            expected = 200 if path in _OPEN else 401
            assert answer.status_code == expected, path

    assert served.writer.messages.empty()


def test_an_unforeseen_error_shows_nothing_of_its_message(
    serve: Serve, log_lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve()

    def broken(*_: object, **__: object) -> None:
        raise LookupError(SECRET)

    monkeypatch.setattr(served.sessions, "page", broken)
    with served.client(uuid4(), **{"X-Request-Id": "abc-1"}) as client:
        answer = client.get("/exams")

    assert answer.status_code == 500
    assert (answer.json()["code"], answer.json()["requestId"]) == ("internal_error", "abc-1")
    assert SECRET not in answer.text
    logged = [
        json.loads(record.getMessage()) for record in log_lines.records if record.name.startswith("api")
    ]
    unforeseen = next(line for line in logged if line["event"] == "unforeseen_error")
    assert unforeseen["error"] == "LookupError"
    assert "broken" in unforeseen["raised_at"][-1]
    assert unforeseen["request_id"] == "abc-1"
    assert not any(json.dumps(SECRET).strip('"') in record.getMessage() for record in log_lines.records)


def test_a_log_line_of_a_call_has_its_ids_and_its_route(
    student: httpx2.Client, exam_id: str, log_lines: pytest.LogCaptureFixture
) -> None:
    student.get(f"/exams/{exam_id}", headers={"X-Request-Id": "abc-2"})
    line = None
    while line is None:  # it is written after the answer has been sent
        lines = (
            json.loads(record.getMessage())
            for record in log_lines.records
            if record.name == "api.middleware.request_log"
        )
        line = next((line for line in lines if line["request_id"] == "abc-2"), None)

    assert line["event"] == "request"
    assert line["route"] == "/api/exams/{session_id}"
    assert line["session_id"] == exam_id
    assert line["user_id"] == student.headers["X-User-Id"]
    assert (line["method"], line["status"]) == ("GET", 200)
