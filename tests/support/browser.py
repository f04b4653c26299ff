"""A real Chromium for tests; a machine without one is told so, by the reason of a skipped test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.support.node import DEMO, installed, missing

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: What axe calls these is a fault; the rest is advice.
_SERIOUS: Final = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, or one named by CHROMIUM, without a window."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        missing(
            "Chromium is not installed (Debian: `apt-get install chromium`; elsewhere name it in CHROMIUM)"
        )
    # Root has no sandbox; a container's /dev/shm may be too small.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*root, "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Seen:
    """What a page did beside what it showed."""

    errors: list[str] = field(default_factory=list)  #: that scripts threw
    console: list[str] = field(default_factory=list)  #: in red
    hosts: set[str] = field(default_factory=set)  #: that anything was asked of

    @classmethod
    def of(cls, page: Page) -> Seen:
        seen = cls()
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("console", lambda line: seen.console.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).netloc))
        return seen


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical on the page as it is now."""
    # Evaluated by the driver, so the page's policy, which allows no foreign script, stays as it is.
    page.evaluate((installed("axe-core", DEMO) / "axe.min.js").read_text("utf-8"))
    found: Sequence[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{rule['id']}: {node['html']} {node['any'] and node['any'][0]['message']}"
        for rule in found
        if rule["impact"] in _SERIOUS
        for node in rule["nodes"]
    ]


def unavailable(route: Route) -> None:
    """Answers a call as the API does while no provider answers."""
    route.fulfill(
        status=503,
        headers={"Retry-After": "30"},
        json={"error": SENTENCE, "code": "generation_unavailable", "requestId": "test"},
    )


SENTENCE: Final = "تعذّر إعداد الأسئلة الآن وما زلنا نحاول، عُد بعد قليل."
