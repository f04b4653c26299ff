"""`make pictures`: the pictures of the documents, made again from a real stack, so that they never grow old.

Those that documents show go to docs/pictures; every page in every size and colour scheme, to be looked at, to .pictures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.pictures.browser import Browser, NoBrowser, View
from tools.pictures.scene import lose_a_worker, running_stack, take_exams
from tools.stack.processes import PROJECT

SHOWN: Final = PROJECT / "docs" / "pictures"
LOOKED_AT: Final = PROJECT / ".pictures"

VIEWS: Final = {
    "desktop": View(1280, 900),
    "desktop-dark": View(1280, 900, dark=True),
    "phone": View(390, 844),
    "phone-dark": View(390, 844, dark=True),
    "narrow": View(320, 640),
}


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    url: str
    ready: str = "true"  #: JavaScript: the page shows what it should
    shown: tuple[str, ...] = ("desktop",)  #: the views that documents show


def main() -> int:
    """The exit status: 2 without Chromium."""
    options = _parser().parse_args()
    for folder in (options.shown, options.looked_at):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory() as directory, running_stack(Path(directory)) as stack:
            _say("three exams are being written")
            (options.shown / "terminal.svg").write_text(take_exams(stack), "utf-8")
            _say("a worker is being killed")
            lost = lose_a_worker(stack)
            with Browser() as browser:
                for page in _pages(stack.api_url, stack.flower_url, lost):
                    _photograph(browser, page, options.shown, options.looked_at)
    except NoBrowser as err:
        sys.stderr.write(f"{err}\n")
        return 2
    return 0


def _pages(api: str, flower: str, lost: str) -> list[Page]:
    return [
        Page("first", f"{api}/", shown=()),
        Page("ops", f"{api}/ops?refresh=off", shown=("desktop", "phone-dark")),
        Page("timeline", f"{api}/ops/sessions/{lost}?refresh=off", "document.querySelector('line.run')"),
        Page("flower", f"{flower}/tasks", "document.querySelector('table tbody tr td:nth-child(3)')"),
    ]


def _photograph(browser: Browser, page: Page, shown: Path, looked_at: Path) -> None:
    browser.open(page.url)
    browser.wait_for(page.ready)
    for name, view in VIEWS.items():
        browser.look(view)
        browser.picture(looked_at / f"{page.name}-{name}.png", whole=True)
        if name in page.shown:
            suffix = "" if name == "desktop" else f"-{name}"
            browser.picture(shown / f"{page.name}{suffix}.png")
    _say(page.name)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__)
    parser.add_argument("--shown", type=Path, default=SHOWN, help="for the pictures that documents show")
    parser.add_argument("--looked-at", type=Path, default=LOOKED_AT, help="for every page in every view")
    return parser


if __name__ == "__main__":
    sys.exit(main())
