"""docs/web-app.md names every code and value that a page may meet, and every link of our documents works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.errors import ANSWERS
from api.schemas import FigureShape
from generation.model import Difficulty, Section, Topic, Track
from tests.support.description import description
from tools.stack.processes import PROJECT

PAGE = (PROJECT / "docs" / "web-app.md").read_text("utf-8")

#: For a wrong address or method: a correct page never meets them.
DEVELOPER_ERRORS = {"not_found", "method_not_allowed"}
FIGURE_FIELDS = {field.alias or name for name, field in FigureShape.model_fields.items()}
WORDS = {
    *(ANSWERS.keys() - DEVELOPER_ERRORS),
    *(value.value for kind in (Difficulty, Section, Topic, Track) for value in kind),
    *FIGURE_FIELDS,
}

PAGES = [
    *PROJECT.glob("*.md"),
    *(PROJECT / "docs").rglob("*.md"),
    *(PROJECT / "clients" / "typescript").glob("*.md"),
]
LINK = re.compile(r"\]\(([^)#:]+)(?:#([\w-]+))?\)")


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_value_and_code_is_on_the_page(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_call_is_on_the_page() -> None:
    called = {path.partition("{session_id}")[2] for path in description()["paths"] if "{session_id}" in path}
    assert {"", "/events", "/progress"} <= called
    assert {name for name in called if name not in PAGE} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_has_a_target(page: Path) -> None:
    text = page.read_text("utf-8")
    for target, heading in LINK.findall(text):
        there = page.parent / target
        assert there.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), flags=re.MULTILINE)
            assert heading in {found.lower().replace(" ", "-") for found in headings}, heading
    for path in re.findall(r"`((?:docs|ops|clients|examples)/[\w./-]+)`", text):
        assert (PROJECT / path).exists(), path
