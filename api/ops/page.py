"""The frame of the operators' pages: head, links, refresh. Its security policy allows its own style and script only."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from importlib.resources import files

from fastapi.responses import HTMLResponse

from api.plain_html import link
from runtime.api_settings import ApiSettings

#: How often the page is read again; without script less often, because everything is drawn again.
REFRESH_S = 5
RELOAD_S = 15

RUNBOOK = "docs/runbook.md"


def framed(
    body: str,
    *,
    title: str,
    settings: ApiSettings,
    now: datetime,
    live: bool,
    choices: str,
    status: int = 200,
) -> HTMLResponse:
    """A whole page around this HTML. `choices`: HTML of links that belong to the page itself."""
    style, script = _asset("page.css"), _asset("page.js")
    reload = f'<noscript><meta http-equiv="refresh" content="{RELOAD_S}"></noscript>' if live else ""
    as_of = f"as of {now.astimezone(UTC):%H:%M:%S} UTC"
    return HTMLResponse(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style>{reload}</head>\n"
        f'<body data-refresh-seconds="{REFRESH_S if live else 0}"><header><h1>{escape(title)}</h1>'
        f"<p id='as-of' data-live>{as_of}</p></header>"
        f"<div class='bar-of-links'>{choices}<nav aria-label='Other pages'>{_other_pages(settings)}</nav></div>"
        f"<main>{body}</main><footer>From Postgres alone, without question texts, keys or users. Times are UTC, amounts at "
        f"list prices. <span id='refresh-state' role='status'></span></footer><script>{script}</script></body></html>\n",
        status,
        headers=_headers(style, script),
    )


def lookup() -> str:
    """The form that opens the timeline of a session."""
    return (
        "<form action='/ops/sessions' method='get'><label for='id'>Session</label>"
        "<input id='id' name='id' required size='36' maxlength='36' autocomplete='off' value=''>"
        "<button>Show its timeline</button></form>"
    )


def choices_of(entries: Sequence[tuple[str, str, bool]], label: str) -> str:
    """Links with address, text, and whether it is the one that is shown."""
    current = " aria-current='page'"
    links = "".join(
        f"<a href='{escape(address)}'{current if is_current else ''}>{escape(text)}</a>"
        for address, text, is_current in entries
    )
    return f"<nav aria-label='{escape(label)}'>{links}</nav>"


def _other_pages(settings: ApiSettings) -> str:
    links = [
        link(address, name)
        for address, name in (
            (settings.flower_url, "Flower: workers and tasks"),
            (settings.grafana_url, "Grafana: metrics"),
            (settings.runbook_url, "Runbook: what to do"),
        )
        if address
    ]
    named = "" if settings.runbook_url else f"<span>Runbook: <code>{RUNBOOK}</code></span>"
    return "".join(links) + named


@lru_cache(maxsize=4)
def _asset(name: str) -> str:
    return files("api.ops").joinpath(name).read_text("utf-8")


def _headers(style: str, script: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
