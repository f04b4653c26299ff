"""/demo and its grading: on a development server without auth, and nowhere else."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx2
import pytest

from runtime.settings import Environment
from tests.integration.api.conftest import Serve
from tests.integration.api.served import SECRET, Served, Writer

TOKEN = "a-service-token-of-good-length"


def grade_url(served: Served, session_id: object, kind: str = "exams") -> str:
    return f"{served.url}/demo/{kind}/{session_id}/grade"


def test_the_page_loads_everything_from_this_server(served: Served) -> None:
    page = httpx2.get(f"{served.url}/demo")
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    style = httpx2.get(f"{served.url}/demo/demo.css")
    fonts = re.findall(r'url\("?\./([^")]+)', style.text)

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert loaded == ["/demo/demo.css", "/demo/demo.js"]
    assert len(fonts) == 4
    for path in [*loaded, *(f"/demo/{font}" for font in fonts)]:
        assert httpx2.get(served.url + path).status_code == 200


def test_the_policy_allows_no_other_host_and_no_inline_script(served: Served) -> None:
    policy = httpx2.get(f"{served.url}/demo").headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; ")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/demo/absent.js", "/demo/..%2Fapp.py", "/demo/%2e%2e", "/demo/index.html/x"]
)
def test_other_files_are_not_there(served: Served, path: str) -> None:
    assert httpx2.get(served.url + path).status_code == 404


@pytest.mark.parametrize(
    "settings",
    [
        {"tafawoq_env": Environment.PRODUCTION, "api_service_token": TOKEN},
        {"tafawoq_env": Environment.DEVELOPMENT, "api_service_token": TOKEN},
    ],
    ids=["production", "development with auth"],
)
def test_where_users_are_known_neither_the_page_nor_its_grading_exists(
    serve: Serve, settings: dict[str, object]
) -> None:
    served = serve(**settings)
    headers = {"Authorization": f"Bearer {TOKEN}", "X-User-Id": str(uuid4())}
    created = httpx2.post(f"{served.url}/api/exams", json={"track": "scientific"}, headers=headers | NO_WAIT)
    asked = [
        httpx2.get(f"{served.url}/demo", headers=headers),
        httpx2.get(f"{served.url}/demo/demo.js", headers=headers),
        httpx2.post(grade_url(served, created.json()["id"]), json={"answers": {}}, headers=headers),
    ]

    assert created.status_code == 201
    assert [answer.status_code for answer in asked] == [404, 404, 404]
    assert not any(getattr(route, "path", "").startswith("/demo") for route in served.app.routes)


def test_handing_in_closes_the_session_and_shows_the_keys(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    right_and_wrong = {"0": 0, "1": 1, "2": 3}  # of served.question_for: the key is the position modulo 4
    result = student.post(grade_url(served, exam_id), json={"answers": right_and_wrong}).json()

    assert (result["correct"], result["answered"], result["total"]) == (2, 3, 10)
    assert result["sections"] == [{"section": "quantitative", "correct": 2, "total": 10}]
    assert [one["answerIndex"] for one in result["review"]] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert [one["chosen"] for one in result["review"][:4]] == [0, 1, 3, None]
    assert result["review"][9]["explanation"] == f"{SECRET}9"
    assert student.get(f"/exams/{exam_id}").json()["status"] == "completed"


def test_graded_again_it_is_the_same(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    first, second = (student.post(grade_url(served, exam_id), json={"answers": {"0": 0}}) for _ in range(2))

    assert first.json() == second.json()


def test_another_users_session_cannot_be_graded(served: Served, writer: Writer, exam_id: str) -> None:
    writer.finish()
    with served.client(uuid4()) as stranger:
        answer = stranger.post(grade_url(served, exam_id), json={"answers": {}})

    assert answer.status_code == 404
    assert SECRET not in answer.text


def test_a_session_of_the_other_kind_is_not_found(
    served: Served, student: httpx2.Client, exam_id: str
) -> None:
    assert student.post(grade_url(served, exam_id, "practice"), json={"answers": {}}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"answers": {"0": 4}}, {"answers": {"-1": 0}}, {"answers": {"x": 0}}, {"answers": {}, "more": 1}],
)
def test_an_impossible_answer_is_rejected(
    served: Served, student: httpx2.Client, exam_id: str, body: dict[str, object]
) -> None:
    assert student.post(grade_url(served, exam_id), json=body).status_code == 422
    assert student.get(f"/exams/{exam_id}").json()["status"] == "in_progress"


NO_WAIT = {"Prefer": "respond-async"}
