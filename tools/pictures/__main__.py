"""`make pictures`: the pictures of the documents, made again from a real stack, so that they never grow old.

Those that documents show go to docs/pictures; every page in every size and colour scheme, to be looked at, to .pictures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from tools.pictures.browser import NoBrowser, opened_page, photograph, show_part
from tools.pictures.scene import lose_a_worker, running_stack, take_exams
from tools.stack.processes import PROJECT

SHOWN: Final = PROJECT / "docs" / "pictures"
LOOKED_AT: Final = PROJECT / ".pictures"

#: How many questions are answered before the demo page is pictured.
_ANSWERED: Final = 5

Take = Callable[..., None]


def main() -> int:
    """The exit status: 2 without Chromium."""
    options = _parser().parse_args()
    for folder in (options.shown, options.looked_at):
        folder.mkdir(parents=True, exist_ok=True)
    take = partial(photograph, shown_in=options.shown, looked_at_in=options.looked_at)
    try:
        with (
            opened_page() as page,
            tempfile.TemporaryDirectory() as directory,
            running_stack(Path(directory)) as stack,
        ):
            _say("three exams are being written")
            (options.shown / "terminal.svg").write_text(take_exams(stack), "utf-8")
            _say("a worker is being killed")
            lost = lose_a_worker(stack)
            _operators_pages(page, take, stack.api_url, lost, options.shown)
            _flower(page, take, stack.flower_url)
            _demo(page, take, stack.api_url)
    except NoBrowser as err:
        sys.stderr.write(f"{err}\n")
        return 2
    return 0


def _operators_pages(page: Page, take: Take, api: str, lost: str, shown_in: Path) -> None:
    page.goto(f"{api}/")
    take(page, "first", shown=())
    page.goto(f"{api}/ops?refresh=off")
    take(page, "ops", shown=("desktop", "phone-dark"))
    page.goto(f"{api}/ops/sessions/{lost}?refresh=off")
    page.locator("line.run").first.wait_for(state="attached")
    take(page, "timeline", shown=())
    show_part(page, "#batch-0", shown_in / "timeline.png")
    _say("the operators' page")


def _flower(page: Page, take: Take, flower: str) -> None:
    page.goto(f"{flower}/tasks")
    page.get_by_text("SUCCESS").first.wait_for()
    take(page, "flower", shown=("desktop",))
    _say("Flower")


def _demo(page: Page, take: Take, api: str) -> None:
    page.goto(f"{api}/demo")
    start = page.get_by_role("button", name="المسار العلمي", exact=True)
    start.wait_for()
    take(page, "demo-start", shown=())
    start.click()
    for number in range(_ANSWERED):
        page.locator(".choices input[type=radio]").nth(number % 4).check(force=True)
        page.get_by_role("button", name="التالي", exact=True).click()
    page.locator(".choices input[type=radio]").first.wait_for(state="attached")
    take(page, "demo", shown=("desktop", "phone-dark"))
    _say("the demo page")


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
