"""The HTML page of questions under review, with their figures. It has no script and loads nothing."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from db.review_queue import Doubtful

_STYLE = (
    "body{font-family:sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}"
    "article{border:1px solid #999;padding:1rem;margin:1rem 0}.key{font-weight:bold}"
    "img{max-width:100%}pre{white-space:pre-wrap}"
)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(found: Sequence[Doubtful]) -> str:
    """The whole page. It shows keys: it is for those who review."""
    questions = "\n".join(_article(each) for each in found)
    return (
        f'<!doctype html><html lang="ar" dir="rtl"><meta charset="utf-8"><title>Review</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style>{questions}</html>\n'
    )


def _article(found: Doubtful) -> str:
    return f"<article>{''.join(_parts(found))}</article>"


def _parts(found: Doubtful) -> Iterator[str]:
    content = found.content
    yield f'<p dir="ltr">{escape(f"{found.kind} {found.session_id}, question {found.position}")}</p>'
    if "passage" in content:
        yield f"<blockquote>{escape(str(content['passage']))}</blockquote>"
    yield f"<h2>{escape(str(content['stem']))}</h2>"
    if content.get("diagram"):
        yield figure(content["diagram"])
    choices = (
        f"<li{' class=key' if index == content['answerIndex'] else ''}>{escape(str(choice))}</li>"
        for index, choice in enumerate(content["choices"])
    )
    yield f"<ol>{''.join(choices)}</ol><p>{escape(str(content['explanation']))}</p>"
    yield f'<pre dir="ltr">{escape(chr(10).join(known(found)))}</pre>'


def figure(diagram: Mapping[str, Any]) -> str:
    """The drawing as an image, in which nothing can run, with its caption; its data where there is no drawing."""
    caption = escape(caption_of(diagram) or "")
    if isinstance(svg := diagram.get("svg"), str):
        drawn = b64encode(svg.encode()).decode()
        return f'<figure><img alt="{caption}" src="data:image/svg+xml;base64,{drawn}"><figcaption>{caption}</figcaption></figure>'
    data = escape(json.dumps(diagram, ensure_ascii=False, indent=1))
    return f"<figure><pre>{data}</pre><figcaption>{caption}</figcaption></figure>"


def caption_of(diagram: Mapping[str, Any]) -> str | None:
    """The words that describe the figure."""
    named = (diagram.get(name) for name in ("caption", "description", "title"))
    return next((words for words in named if isinstance(words, str) and words), None)


#: The fields of a question that a student sees, or that the page shows by themselves.
_SHOWN = frozenset(
    {
        *("id", "section", "topic", "difficulty", "questionType", "stem", "choices", "answerIndex"),
        *("explanation", "tags", "passage", "diagram"),
    }
)


def known(found: Doubtful) -> Iterator[str]:
    """What is known for and against the question, a line each: verdict, declared expression, reports."""
    content = found.content
    tags = ", ".join(map(str, content.get("tags", ())))
    yield f"{content['section']}, {content['topic']} ({tags}), {content['questionType']}, {content['difficulty']}"
    because = f" ({', '.join(found.reasons)})" if found.reasons else ""
    by = f" by {found.solver}" if found.solver else ""
    yield f"answer check: {found.verdict}{because}{by}"
    if found.doubtful_words:
        yield f"doubtful words: {found.doubtful_words}"
    for name in sorted(set(content) - _SHOWN):
        yield f"{name}: {json.dumps(content[name], ensure_ascii=False)}"
    for report in found.reports:
        yield f"reported {report.created_at:%Y-%m-%d %H:%M} as {report.reason}: {report.text or '(no text)'}"
    if found.review:
        yield f"decided before: {found.review}"
    yield f"written by {found.model or 'an unknown model'}, prompt {found.prompt_version or 'unknown'}"
    yield "the student has come to it" if found.was_read else "the student has not come to it"
