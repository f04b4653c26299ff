"""The OpenAPI description and the API agree: programs read the description and call the API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from pydantic import BaseModel

from api import examples, schemas
from api.errors import ANSWERS, ErrorShape
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


_PROJECT = Path(__file__).parents[3]
_TOKEN = "the-service-token"

#: The time in this suite; `python -m tests.support.schemathesis_run --max-time 600` tests more.
_SECONDS = 25

_SHOWN: dict[type[BaseModel], dict[str, Any]] = {
    schemas.CreateExam: examples.CREATE_EXAM,
    schemas.CreatePractice: examples.CREATE_PRACTICE,
    schemas.QuestionShape: examples.QUESTION,
    schemas.SessionSummaryShape: examples.SUMMARY,
    schemas.SessionShape: examples.SESSION,
    schemas.BatchShape: examples.BATCH,
    schemas.BatchPending: examples.PENDING,
}


@pytest.mark.parametrize("shape", _SHOWN, ids=lambda shape: shape.__name__)
def test_every_example_has_its_shape(shape: type[BaseModel]) -> None:
    parsed = shape.model_validate(_SHOWN[shape])

    assert parsed.model_dump(mode="json", by_alias=True, exclude_none=True) == _SHOWN[shape]


def test_every_documented_error_has_an_arabic_example(served: Served) -> None:
    described = httpx2.get(f"{served.url}/openapi.json").json()
    shown: dict[str, Any] = {}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    found = response["content"]["application/json"]["examples"]
                    assert {ANSWERS[code].status for code in found} == {int(status)}, path
                    shown |= found

    of_no_operation = {"malformed_request", "url_too_long", "request_head_too_large"}
    assert set(shown) == set(ANSWERS) - {"not_found", "method_not_allowed"} - of_no_operation
    for code, example in shown.items():
        error = ErrorShape.model_validate(example["value"])
        assert (error.code, error.error) == (code, ANSWERS[code].sentence)
        assert any("\u0600" <= letter <= "\u06ff" for letter in error.error)


def test_every_operation_has_its_own_name_and_a_description(served: Served) -> None:
    described = httpx2.get(f"{served.url}/openapi.json").json()["paths"]
    operations = [operation for at_path in described.values() for operation in at_path.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations) == 23
    assert all(operation["description"] for operation in operations)


def test_405_lists_the_methods_of_the_address(served: Served) -> None:
    rejected = httpx2.delete(f"{served.url}/api/exams")

    assert (rejected.status_code, rejected.headers["Allow"]) == (405, "GET, POST")
    assert httpx2.put(f"{served.url}/api/exams/{uuid4()}").headers["Allow"] == "GET"


@pytest.mark.timeout(180)
def test_schemathesis_finds_no_failure(serve: Serve, tmp_path: Path) -> None:
    """All checks of schemathesis, with generated valid and invalid data, in generated orders of calls."""
    served = serve(api_service_token=_TOKEN, api_default_wait_s=0.2, api_max_wait_s=0.4)
    with served.writer.at_work():
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "tests.support.schemathesis_run", served.url, _TOKEN),
                *("--max-time", str(_SECONDS), "--max-examples", "8", "--no-color"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(_PROJECT)},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Last-Event-ID", "9" * 400),
        ("Last-Event-ID", "-1"),
        ("Last-Event-ID", "NaN"),
        ("Last-Event-ID", "1; drop"),
        ("X-Request-Id", "x" * 5000),
        ("Prefer", "wait=" + "9" * 5000),
        ("Prefer", '"' * 3000),
        ("Accept", "application/xml"),
        ("Cookie", "a=" + "b" * 5000),
    ],
)
def test_no_header_breaks_a_stream(student: httpx2.Client, exam_id: str, header: str, value: str) -> None:
    with student.stream("GET", f"/exams/{exam_id}/events", headers={header: value}) as response:
        assert response.status_code == 200
        assert next(response.iter_lines()).startswith("retry:")


@pytest.mark.parametrize("after", ["-1", "1.5", "x", str(2**53 + 1), "9" * 400, "%00", ""])
def test_an_impossible_event_number_is_rejected(student: httpx2.Client, exam_id: str, after: str) -> None:
    rejected = student.get(f"/exams/{exam_id}/events?after={after}")

    assert (rejected.status_code, rejected.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    "session_id",
    [
        "%00",
        "..%2f..",
        "x" * 3000,
        "1b4e28ba-2fa1-41d2-883f-0016d3cca427%0a",
        "%d8%b3",
        "{session_id}",
        "null",
    ],
)
def test_an_impossible_session_id_is_404(student: httpx2.Client, session_id: str) -> None:
    for path in ("", "/events"):
        missing = student.get(f"/exams/{session_id}{path}")
        assert missing.status_code == 404
        assert missing.json()["code"] in {"session_not_found", "not_found"}
