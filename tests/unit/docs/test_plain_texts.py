"""Texts are plain text: the page says it, and no example gives one to a parser of HTML."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PARSES_HTML = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|setHTMLUnsafe|createContextualFragment|srcdoc"
    r"|DOMParser)\b|document\.write"
)


def test_no_example_gives_a_text_to_a_parser_of_html() -> None:
    sources = [
        path
        for pattern in ("*.ts", "*.tsx", "*.mjs", "*.html")
        for path in (PROJECT / "clients").rglob(pattern)
        if "node_modules" not in path.parts
    ]
    assert {path.name for path in sources} >= {"question-card.tsx", "index.html", "client.ts", "enqueue.mjs"}
    assert [path.name for path in sources if PARSES_HTML.search(path.read_text("utf-8"))] == []
    card = (PROJECT / "clients" / "demo" / "src" / "question-card.tsx").read_text("utf-8")
    assert "{question.stem}</p>" in card  # React inserts it as text


def test_the_page_for_the_web_app_says_that_texts_are_plain() -> None:
    page = (PROJECT / "docs" / "web-app.md").read_text("utf-8")
    assert "**Texts are plain text.**" in page
    assert "textContent" in page
