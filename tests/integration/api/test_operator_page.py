"""`/ops`: who may open it, what it shows, and what it never shows."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine

from api.ops.routes import NEWEST
from db.ledger import LedgerStore
from runtime.settings import Environment
from tests.integration.api.conftest import Serve
from tests.integration.api.served import SECRET, Served
from tests.support.attempts import an_attempt

TOKEN = "an-operator-token-of-32-letters"
SERVICE = {"api_service_token": "a-service-token-of-32-letters"}
VOID = {"meta", "input", "br", "line", "circle"}


class Page(HTMLParser):
    """A page that is well formed: every element is closed, ids are unique, and nothing is loaded or inlined."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.alone: list[str] = []  #: pictures and regions without a name
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []
        assert len(self.ids) == len(set(self.ids))
        assert self.alone == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert not any(name.startswith("on") or name in {"style", "src", "srcset"} for name in named)
        self.ids += [named["id"] or ""] if "id" in named else []
        self.links += [named["href"] or ""] if tag == "a" else []
        if (tag == "svg" and "aria-hidden" not in named) or "role" in named:
            self.alone += [] if named.get("aria-label") or named.get("role") == "status" else [tag]
        if tag not in VOID or tag == "circle":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style", "script"}:
            self.text += f" {data}"


def opened(url: str, **options: object) -> Page:
    answer = httpx2.get(url, **options)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'; "
        r"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        policy,
    )
    assert answer.headers["Cache-Control"] == "no-store"
    return Page(answer.text)


@pytest.mark.parametrize("path", ["/ops", "/ops/sessions", f"/ops/sessions/{UUID(int=1)}"])
def test_production_without_an_operator_token_has_no_such_page(serve: Serve, path: str) -> None:
    served = serve(tafawoq_env=Environment.PRODUCTION, **SERVICE)
    for headers in ({}, {"Authorization": f"Bearer {SERVICE['api_service_token']}"}):
        answer = httpx2.get(served.url + path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/ops", "/ops/sessions", f"/ops/sessions/{UUID(int=1)}"])
@pytest.mark.parametrize("environment", list(Environment))
def test_with_a_token_nothing_else_opens_the_page(serve: Serve, path: str, environment: Environment) -> None:
    served = serve(tafawoq_env=environment, api_operator_token=TOKEN, **SERVICE)
    for authorization in ("", f"Bearer {SERVICE['api_service_token']}", f"Bearer {TOKEN}x", "Basic !!!"):
        answer = httpx2.get(served.url + path, headers={"Authorization": authorization})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert TOKEN not in answer.text


def test_the_token_opens_it_in_production_for_programs_and_for_browsers(serve: Serve) -> None:
    served = serve(tafawoq_env=Environment.PRODUCTION, api_operator_token=TOKEN, **SERVICE)
    password = base64.b64encode(f"me:{TOKEN}".encode()).decode()

    for authorization in (f"Bearer {TOKEN}", f"Basic {password}"):
        assert "Running streams" in opened(f"{served.url}/ops", headers={"Authorization": authorization}).text


def test_the_token_opens_nothing_else(serve: Serve) -> None:
    served = serve(tafawoq_env=Environment.PRODUCTION, api_operator_token=TOKEN, **SERVICE)
    answer = httpx2.post(
        f"{served.url}/api/exams", json={"track": "scientific"}, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 401


def test_the_page_shows_what_was_written_and_no_question(
    served: Served, exam_id: str, engine: Engine
) -> None:
    claim = served.writer.claim()
    call = an_attempt(
        session_id=claim.session_id, epoch=claim.epoch, accepted=10, cost_microdollars=1_230_000
    )
    LedgerStore(engine).close(call)
    served.writer.write(claim)
    served.writer.batches.finish(claim)
    shown = opened(f"{served.url}/ops")
    timeline = opened(f"{served.url}/ops/sessions/{exam_id}")

    assert "10 in the last 15 minutes" in shown.text
    assert "$1.23" in shown.text
    assert "25% of the cap of $5.00" in shown.text
    assert f"/ops/sessions/{exam_id}" in shown.links
    assert "10 of 96 committed" in timeline.text
    assert "1 of 10 complete" in timeline.text
    for page in (shown, timeline):
        assert SECRET not in page.text
        assert "ما ناتج" not in page.text
        assert "ألف" not in page.text


def test_every_window_and_both_ways_to_refresh_work(served: Served) -> None:
    for window in ("15m", "1h", "24h", "for-ever"):
        page = httpx2.get(f"{served.url}/ops?window={window}").text
        assert '<meta http-equiv="refresh"' in page
    still = httpx2.get(f"{served.url}/ops?refresh=off").text
    assert '<meta http-equiv="refresh"' not in still
    assert 'data-refresh-seconds="0"' in still


def test_the_page_links_to_what_is_configured(serve: Serve) -> None:
    served = serve(
        flower_url="http://flower.example/",
        grafana_url="http://grafana.example/",
        runbook_url="http://docs.example/r",
    )
    links = opened(f"{served.url}/ops").links

    assert {"http://flower.example/", "http://grafana.example/", "http://docs.example/r"} <= set(links)


def test_without_an_address_the_runbook_is_named(served: Served) -> None:
    assert "docs/runbook.md" in opened(f"{served.url}/ops").text


@pytest.mark.parametrize("wrong", ["0b3f5c1e-6d5f-4b7e-9d34-2f3c8f1a7c11", "x", "%3Cscript%3E", "0" * 400])
def test_a_session_that_does_not_exist_is_said_as_a_page(served: Served, wrong: str) -> None:
    answer = httpx2.get(f"{served.url}/ops/sessions/{wrong}")

    assert answer.status_code == 404
    assert "There is no such session" in Page(answer.text).text
    assert "<script>" not in answer.text.partition("<main>")[2].partition("</main>")[0]


@pytest.mark.parametrize("typed", ["", "  ", "x", "//elsewhere.example", "\r\nX: y", "ألف"])
def test_the_form_leads_to_a_page_of_ours(served: Served, typed: str) -> None:
    answer = httpx2.get(f"{served.url}/ops/sessions", params={"id": typed})

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/ops/sessions/")
    assert httpx2.get(served.url + answer.headers["Location"]).status_code == 404


def test_the_form_finds_a_session(served: Served, exam_id: str) -> None:
    answer = httpx2.get(f"{served.url}/ops/sessions", params={"id": f" {exam_id} "}, follow_redirects=True)

    assert answer.status_code == 200
    assert exam_id in answer.text


def test_the_list_of_sessions_is_bounded(served: Served, student: httpx2.Client) -> None:
    for _ in range(NEWEST + 3):
        created = student.post("/exams", json={"track": "scientific"}, headers={"Prefer": "respond-async"})
        assert created.status_code == 201
    links = opened(f"{served.url}/ops").links

    assert sum("/ops/sessions/" in link for link in links) == NEWEST


def test_the_page_is_not_in_the_description_for_programs(served: Served) -> None:
    paths = httpx2.get(f"{served.url}/openapi.json").json()["paths"]

    assert not [path for path in paths if path.startswith("/ops")]
