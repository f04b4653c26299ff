"""The pages for developers, and their absence in production."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest

from runtime.settings import Environment
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served

FLOWER = "http://127.0.0.1:5555/flower"


class Page(HTMLParser):
    """The links, anchors and text of a page, and the resources a browser would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "a":
            self.links.append(named["href"] or "")
        if named.get("id"):
            self.anchors.append(named["id"] or "")
        if tag in {"script", "link", "img", "iframe"} or "src" in named:
            self.loaded.append(tag)
        assert not any(name.startswith("on") or name == "style" for name in named)

    def handle_data(self, data: str) -> None:
        self.text += data


def opened(url: str) -> tuple[httpx2.Response, Page]:
    answer = httpx2.get(url)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    return answer, Page(answer.text)


def test_the_first_page_of_a_development_server_links_to_everything_that_runs(serve: Serve) -> None:
    served = serve(flower_url=FLOWER)
    answer, page = opened(f"{served.url}/")

    assert answer.status_code == 200
    assert page.links == [
        "/demo",
        "/ops",
        "/docs",
        "/openapi.json",
        "/healthz",
        "/readyz",
        "/metrics",
        FLOWER,
    ]
    assert page.loaded == []
    assert all(httpx2.get(served.url + link).status_code == 200 for link in page.links[:-1])


def test_the_two_commands_of_the_first_page_work(served: Served) -> None:
    """Sends the requests of the page's own commands."""
    _, page = opened(f"{served.url}/")
    create, follow = re.findall(r"curl -sN? (.*?http\S+)", page.text, re.DOTALL)
    headers = dict(header.split(": ") for header in re.findall(r"-H '([^']+)'", create))
    body = re.search(r"-d '([^']+)'", create)
    assert body is not None
    created = httpx2.post(create.split()[-1], content=body[1], headers=headers)

    assert created.status_code == 201
    events = follow.split()[-1].replace("/ID/", f"/{created.json()['id']}/")
    with httpx2.stream("GET", events, timeout=30) as stream:
        assert stream.status_code == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")


def test_with_auth_the_commands_of_the_first_page_have_a_token(serve: Serve) -> None:
    _, page = opened(f"{serve(api_service_token='the-service-token').url}/")

    assert page.text.count("Authorization: Bearer $TOKEN") == 2
    assert "the-service-token" not in page.text


def test_a_host_name_with_html_is_escaped(serve: Serve) -> None:
    served = serve(api_service_token="the-service-token")
    answer = httpx2.get(f"{served.url}/", headers={"Host": "<script>x</script>"})

    assert "<script>" not in answer.text


def test_a_production_server_has_no_first_page(serve: Serve) -> None:
    served = serve(tafawoq_env=Environment.PRODUCTION, api_service_token="the-service-token")
    answer = httpx2.get(f"{served.url}/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_reference_has_every_call_and_shape_of_the_description(served: Served) -> None:
    _, page = opened(f"{served.url}/docs")
    described = httpx2.get(f"{served.url}/openapi.json").json()
    operations = [each["operationId"] for path in described["paths"].values() for each in path.values()]

    assert set(operations) | set(described["components"]["schemas"]) <= set(page.anchors)
    assert len(page.anchors) == len(set(page.anchors))
    inner = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inner <= set(page.anchors), "a link without its anchor"
    assert [link for link in page.links if not link.startswith("#")] == ["/openapi.json"]
    assert page.loaded == []


def test_the_reference_shows_values_bounds_and_examples(served: Served) -> None:
    _, page = opened(f"{served.url}/docs")

    for expected in (
        "scientific or literary",
        "integer, at least 1, at most 100",
        "invalid_batch_index",
        "Retry-After",
    ):
        assert expected in page.text
    example = json.dumps({"track": "scientific"}, indent=2)
    assert example in page.text


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
def test_a_page_has_its_own_route_in_the_metrics_and_405_lists_its_method(served: Served, path: str) -> None:
    httpx2.get(served.url + path)
    rejected = httpx2.post(served.url + path)
    page = httpx2.get(f"{served.url}/metrics").text

    assert (rejected.status_code, rejected.headers["Allow"]) == (405, "GET")
    assert f'requests_total{{method="GET",route="{path}",status="200"}}' in page
    assert f'requests_total{{method="POST",route="{path}",status="405"}}' in page


def test_the_served_description_is_the_one_of_the_app(served: Served) -> None:
    described: dict[str, Any] = httpx2.get(f"{served.url}/openapi.json").json()

    assert described == json.loads(json.dumps(served.app.openapi()))
    assert not {"/", "/docs", "/openapi.json"} & described["paths"].keys()
