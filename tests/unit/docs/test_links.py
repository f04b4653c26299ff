"""Whoever follows a link of a document arrives: files are there, and so are the headings that an anchor names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

import pytest

PROJECT = Path(__file__).parents[3]

_FENCE = re.compile(r"^(```|~~~).*?^\1[^\S\n]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_INLINE_LINK = re.compile(r"\]\(\s*<?([^()\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)", re.MULTILINE)
_HTML_LINK = re.compile(r"<(?:a|img|provider)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_HTML_ANCHOR = re.compile(r"<[a-z]+\b[^>]*?\b(?:id|name)=\"([^\"]+)\"")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SPEAKING = ("*.md", "*.py", "*.yml", "*.yaml", "*.mjs", "*.ts", "*.toml", "*.sql")
#: A document named in running text or in a comment.
_NAMED = re.compile(r"\bdocs/[\w./-]+?\.(?:md|json)\b")


def _files(*patterns: str) -> list[str]:
    """The project's files by their path; what tools leave in hidden folders is not ours."""
    found = (path.relative_to(PROJECT) for pattern in patterns for path in PROJECT.rglob(pattern))
    return sorted(
        str(path)
        for path in found
        if "node_modules" not in path.parts and not any(part.startswith(".") for part in path.parts[:-1])
    )


def links(markdown: str) -> Iterator[str]:
    """The targets of all links, without those in code."""
    prose = _CODE.sub("", _FENCE.sub("", markdown))
    for pattern in (_INLINE_LINK, _REFERENCE, _HTML_LINK):
        yield from pattern.findall(prose)


@lru_cache(maxsize=200)
def anchors(page: Path) -> frozenset[str]:
    """What GitHub makes of the page's headings, and the anchors that it sets itself."""
    markdown = _FENCE.sub("", page.read_text("utf-8"))
    found: list[str] = []
    for heading in _HEADING.findall(markdown):
        name = _slug(heading)
        twins = sum(1 for other in found if re.fullmatch(rf"{re.escape(name)}(-\d+)?", other))
        found.append(f"{name}-{twins}" if twins else name)
    return frozenset(found) | frozenset(_HTML_ANCHOR.findall(markdown))


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def dead(page: Path, *, within: Path = PROJECT) -> list[str]:
    """The links of this page that lead nowhere, each with why. Other hosts are not asked."""
    found = []
    for target in links(page.read_text("utf-8")):
        if _SCHEME.match(target) or target.startswith("//"):
            continue
        path, _, anchor = unquote(target).partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists():
            found.append(f"{target}: there is no such file")
        elif not place.is_relative_to(within):
            found.append(f"{target}: it leaves the project")
        elif anchor and place.suffix == ".md" and anchor not in anchors(place):
            found.append(f"{target}: the page has no such heading")
    return found


@pytest.mark.parametrize("name", _files("*.md"))
def test_every_link_and_anchor_of_a_document_leads_somewhere(name: str) -> None:
    assert dead(PROJECT / name) == []


def _missing(page: Path) -> list[str]:
    """The documents that this file names and that are neither in the project nor beside it."""
    named = sorted(set(_NAMED.findall(page.read_text("utf-8"))))
    return [name for name in named if not ((PROJECT / name).is_file() or (page.parent / name).is_file())]


def test_every_document_that_code_or_prose_names_is_there() -> None:
    files = _files(*_SPEAKING, "Makefile", ".env.example")
    missing = {name: _missing(PROJECT / name) for name in files}
    assert {name: documents for name, documents in missing.items() if documents} == {}


def test_a_link_to_a_missing_file_and_one_to_a_missing_heading_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Here & there\n## Twice\n## Twice\n"
        "[a](#here--there) [b](#twice-1) [c](other.md) [d](page.md#nowhere) [e](https://example.org/x)\n"
        "`[code](none.md)`\n```\n[fenced](none.md)\n```\n"
        '[f]: gone.md\n<img src="lost.png"> [g](../outside)\n',
        "utf-8",
    )
    (tmp_path.parent / "outside").touch()

    assert dead(page, within=tmp_path) == [
        "other.md: there is no such file",
        "page.md#nowhere: the page has no such heading",
        "../outside: it leaves the project",
        "gone.md: there is no such file",
        "lost.png: there is no such file",
    ]
