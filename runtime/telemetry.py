"""Structured log lines of every process.

A log line is an event name and fields: ids and numbers, never question text, an answer or a key. The ids of the
current task or request are added to every line.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor


def configure_logging(*, level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Send our log lines and every library's through one formatter to `stream`, by default standard output.

    "json": one object a line, for machines, with Arabic unescaped; "console": for people. Safe to call again;
    the last call wins.
    """
    stream = stream or sys.stdout
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _describe_exception,
                _cut_values,
                renderer,
                _without_secrets,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx2 logs a line for each request, beside our own line with its result; wanted only at DEBUG.
    logging.getLogger("httpx2").setLevel(logging.NOTSET if level == "DEBUG" else logging.WARNING)
    # At DEBUG the SDK logs whole requests, and our requests quote questions.
    logging.getLogger("anthropic").setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # first, so that a suppressed line costs nothing more
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


#: Passwords in addresses, API keys and bearer tokens.
_SECRETS = re.compile(
    r"(?<=://)[^\s:@/]*:[^\s@/]+(?=@)|\bsk-[\w-]{6,}|(?i:bearer)\s+[\w.~+/=-]+",
)
#: Text that may hold a JWT. The pattern reads each character once, so that a line with many beginnings stays cheap.
_DOTTED = re.compile(r"[\w.-]+")
#: Every secret holds one of these, in small letters; looking for them is much cheaper than the patterns.
_MARKS_OF_SECRETS = ("://", "sk-", "bearer", "eyj")
#: Limits of one text in a line, in characters, and of a list, in members. Our ids, names and places are shorter; a
#: longer value comes from outside.
_LONGEST_TEXT = 2_000
_LONGEST_LIST = 50
_DOTS_OF_A_JWT = 2
#: The renderers escape these themselves, or lay them out.
_KEPT = "\n\t"
#: The innermost frames of a traceback: enough to find the place.
_FRAMES = 12


def _cut_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Cut long values before the search for secrets, so that its cost has a limit; show what cannot be printed."""
    return {name: _cut(value) for name, value in event.items()}


def _cut(value: Any) -> Any:
    match value:
        case str() if len(value) > _LONGEST_TEXT:
            return f"{_visible(value[:_LONGEST_TEXT])}... ({len(value)} characters)"
        case str():
            return _visible(value)
        case list() | tuple():
            return [_cut(each) for each in value[:_LONGEST_LIST]]
        case dict():
            return {_cut(name): _cut(inner) for name, inner in value.items()}
    return value


def _visible(text: str) -> str:
    """With escapes for what no stream can encode (half a character), and for what changes a terminal or the
    direction and the lines of the text around it.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _KEPT else each.encode("unicode_escape").decode()
        for each in text
    )


def _without_secrets(_logger: object, _method: str, line: Any) -> str:
    text = str(line)
    lowered = text.lower()
    if not any(mark in lowered for mark in _MARKS_OF_SECRETS):
        return text
    return _DOTTED.sub(_without_jwt, _SECRETS.sub("***", text))


def _without_jwt(word: re.Match[str]) -> str:
    begins = word[0].find("eyJ")
    return (
        f"{word[0][:begins]}***" if begins >= 0 and word[0].count(".", begins) >= _DOTS_OF_A_JWT else word[0]
    )


def _describe_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Log an exception as its classes and places, without its text, which can quote a row and its answer key."""
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        if (logger_name := str(event.get("logger", ""))).startswith("celery."):
            # Celery's own sentence quotes the exception and its traceback.
            event["event"] = "task_failed" if logger_name == "celery.app.trace" else "celery_failed"
        event["raised"] = [type(cause).__name__ for cause in _causes(error)]
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["raised_at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info is True:
        exc_info = sys.exc_info()[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
