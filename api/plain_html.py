"""HTML pages for developers: no script, and nothing from another host."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

from fastapi.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem 1.5rem 4rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--quiet); border-radius: 4px; overflow-x: auto; padding: .7rem 1rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; padding-bottom: .2rem; }
h3 { margin: 2rem 0 .3rem; }
h4 { margin: 1rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; width: 9rem; }
summary { cursor: pointer; }
ul.plain { list-style: none; padding: 0; }
.method { display: inline-block; font-weight: 600; min-width: 3.2rem; }
"""

_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}

_CODE = re.compile(r"`([^`]+)`")


def page(title: str, body: str) -> HTMLResponse:
    """A whole page; `body` is HTML. Its content security policy allows no script and no loading of anything."""
    return HTMLResponse(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n",
        headers=_HEADERS,
    )


def prose(text: str) -> str:
    """Text as HTML: backticks become code, a blank line begins a paragraph."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "".join(f"<p>{inline(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def inline(text: str) -> str:
    """Text without paragraphs as HTML."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; `rows` hold HTML, `heads` text. Empty without rows."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{lines}</table>"
