"""Every page says whom it is for, and the index leads to all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted([*DOCS.glob("*.md"), DOCS / "decisions" / "README.md"])
DECISIONS = sorted(DOCS.glob("decisions/0*.md"))


def named(path: Path) -> str:
    return str(path.relative_to(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_begins_with_whom_it_is_for(page: Path) -> None:
    heading, first, *_ = page.read_text("utf-8").split("\n\n")

    assert re.fullmatch(r"# \S.*", heading)
    assert re.match(r"For \w+", first)


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_begins_with_its_day_and_the_code_that_it_holds_for(page: Path) -> None:
    heading, first, *_ = page.read_text("utf-8").split("\n\n")

    assert re.fullmatch(rf"# {page.name[:4]} \S.*", heading)
    assert re.match(r"\d{4}-\d\d-\d\d\b.*?\bHolds for `", first, re.DOTALL)


def test_the_index_leads_to_every_page_once_and_that_of_decisions_to_every_decision() -> None:
    index = re.findall(r"\]\(([\w-]+\.md|decisions/README\.md)\)", (DOCS / "README.md").read_text("utf-8"))
    decisions = re.findall(r"\]\((0[\w-]+\.md)\)", (DOCS / "decisions" / "README.md").read_text("utf-8"))

    assert sorted(index) == sorted(named(page) for page in PAGES if page != DOCS / "README.md")
    assert decisions == [page.name for page in DECISIONS]
