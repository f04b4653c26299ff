"""`/ops` in a real Chromium: accessible in every size and colour scheme, live with script and readable without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.api.served import Served
from tests.support.browser import Seen, chromium, violations

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

WAIT_MS = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def pages(served: Served, exam_id: str) -> list[str]:
    served.writer.finish()
    return [f"{served.url}/ops?refresh=off", f"{served.url}/ops/sessions/{exam_id}?refresh=off"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_a_small_phone(
    browser: Browser, pages: list[str], scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": 320, "height": 640})
    page.set_default_timeout(WAIT_MS)
    for url in pages:
        page.goto(url)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


def test_the_page_stays_live_and_asks_no_other_host(browser: Browser, served: Served, exam_id: str) -> None:
    page = browser.new_page()
    seen = Seen.of(page)
    page.goto(f"{served.url}/ops")
    expect(page.locator("#questions .headline")).to_contain_text("0 in the last 15 minutes")
    served.writer.finish()
    expect(page.locator("#questions .headline")).to_contain_text("10 in the last 15 minutes", timeout=WAIT_MS)

    assert (seen.errors, seen.console) == ([], [])
    assert seen.hosts == {served.url.removeprefix("http://")}
    page.close()


def test_without_script_the_page_can_be_read(browser: Browser, pages: list[str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages[0])

    expect(page.get_by_text("10 in the last 15 minutes")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text("Numbers").first.click()
    expect(page.get_by_role("table").first).to_be_visible(timeout=WAIT_MS)
    context.close()
