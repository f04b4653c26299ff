"""The machine's Chromium, and pictures of a page in every size and colour scheme."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Page, sync_playwright

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """Chromium is missing; the message says what to do."""


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at; sizes in CSS pixels."""

    width: int = 1280
    height: int = 900
    scheme: Literal["light", "dark"] = "light"


VIEWS: Final = {
    "desktop": View(),
    "desktop-dark": View(scheme="dark"),
    "phone": View(390, 844),
    "phone-dark": View(390, 844, "dark"),
    "narrow": View(320, 640),
}


@contextmanager
def opened_page() -> Iterator[Page]:
    """An empty page. Raises NoBrowser."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        raise NoBrowser(
            "Pictures need Chromium: install it (on Debian the package chromium), or name it in CHROMIUM."
        )
    # Root has no sandbox; a container's /dev/shm may be too small.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*root, "--disable-dev-shm-usage"])
        try:
            yield browser.new_page(reduced_motion="reduce")
        finally:
            browser.close()


def photograph(page: Page, name: str, *, shown_in: Path, shown: tuple[str, ...], looked_at_in: Path) -> None:
    """Write PNGs of the page that is open: of its whole length in every view, and of the `shown` views' first screen."""
    for view_name, view in VIEWS.items():
        page.emulate_media(color_scheme=view.scheme)
        page.set_viewport_size({"width": view.width, "height": view.height})
        page.screenshot(path=looked_at_in / f"{name}-{view_name}.png", full_page=True)
        if view_name in shown:
            suffix = "" if view_name == "desktop" else f"-{view_name}"
            page.screenshot(path=shown_in / f"{name}{suffix}.png")


def show_part(page: Page, selector: str, path: Path) -> None:
    """Write a PNG of one element, as a desktop shows it by day."""
    view = VIEWS["desktop"]
    page.emulate_media(color_scheme=view.scheme)
    page.set_viewport_size({"width": view.width, "height": view.height})
    page.locator(selector).screenshot(path=path)
