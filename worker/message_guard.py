"""Pure checks of texts from the broker, made before kombu and Celery decode them.

kombu decodes a text as typed JSON, and an exception there ends the worker or counts as a lost connection
(celery#7975, kombu#2421). A text that passes these checks is plain JSON of the documented shape, short and flat,
so that decoding it cannot raise.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

#: Our messages have about 600 bytes. A longer one is not ours, and copying it would slow the main loop.
MAX_MESSAGE_BYTES = 65_536

#: Our messages have 4 levels, and those of remote control 6.
MAX_DEPTH = 32

#: kombu makes another type of an object with exactly these members.
_TYPED_JSON = frozenset({"__type__", "__value__"})

#: The texts that the envelope of a message must have.
_TASK_TEXTS = (
    ("headers", "task"),
    ("headers", "id"),
    ("properties", "delivery_tag"),
    ("properties", "delivery_info", "exchange"),
    ("properties", "delivery_info", "routing_key"),
)
_BROADCAST_TEXTS = _TASK_TEXTS[2:]
_FIXED = {"content-type": "application/json", "content-encoding": "utf-8"}

#: Of ids and names, which logs and Flower store.
MAX_NAME_CHARS = 200

#: Celery acts on most other headers. Our messages need none of those: the rows say when and how often a batch runs.
_ALLOWED_HEADERS = frozenset(
    {
        *("lang", "task", "id", "root_id", "parent_id", "origin", "argsrepr", "kwargsrepr", "redelivered"),
        "ticket",  # of remote control: connects a reply with its command
    }
)

#: The exchange of events, what they say of a task, and what in them is a number.
_EVENTS = "celeryev"
_EVENT_TEXTS = (
    *("name", "args", "kwargs", "result", "exception", "traceback", "eta", "expires", "queue", "exchange"),
    *("routing_key", "root_id", "parent_id", "sw_ident", "sw_ver", "sw_sys"),
)
_EVENT_NUMBERS = (
    *("timestamp", "local_received", "clock", "utcoffset", "pid", "freq", "active", "processed", "retries"),
    "runtime",
)
#: Seconds until the year 4147, and more than any count; the least is an offset from UTC in hours.
_MOST = 2**36
_LEAST = -24

#: Celery's producers always write these options, with null when the caller asked for none.
_NULL_OPTIONS = frozenset({"callbacks", "errbacks", "chain", "chord"})


def problem_of_task(text: Any) -> str | None:
    """Why a text from a queue of tasks is unusable; None when it is a message of the documented shape."""
    message, problem = _plain(text)
    return problem or _problem_of_task_message(message)


def problem_of_unacknowledged(text: Any) -> str | None:
    """The same for an entry of kombu's hash of unacknowledged messages: [message, exchange, routing key]."""
    entry, problem = _plain(text)
    if problem is not None:
        return problem
    match entry:
        case [message, str(), str()]:
            return _problem_of_task_message(message)
    return "it is no message that a worker has taken"


def problem_of_broadcast(text: Any) -> str | None:
    """The same for Celery's own messages: remote control, its replies, and events."""
    message, problem = _plain(text)
    return (
        problem
        or _problem_of(message, _BROADCAST_TEXTS)
        or _problem_of_broadcast_body(message)
        or _problem_of_events(message)
    )


def safe_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers that are safe for Celery, which stops at an unexpected type: short texts, booleans and nulls."""
    return {
        name: value[:MAX_NAME_CHARS] if isinstance(value, str) else value
        for name, value in headers.items()
        if isinstance(value, str | bool | None) and name in _ALLOWED_HEADERS
    }


def _problem_of_task_message(message: Any) -> str | None:
    return _problem_of(message, _TASK_TEXTS) or _problem_of_place(message) or _problem_of_payload(message)


def _plain(text: Any) -> tuple[Any, str | None]:
    """The text decoded, or why kombu must not decode it."""
    if not isinstance(text, bytes | str):
        return None, "it is no text"
    if len(text) > MAX_MESSAGE_BYTES:
        return None, f"it is longer than {MAX_MESSAGE_BYTES} bytes"
    try:
        value = json.loads(
            text.decode("utf-8") if isinstance(text, bytes) else text, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):  # a wrong encoding is a ValueError, too
        return None, "it is no JSON"
    if not _is_flat_and_untyped(value):
        return None, "it is nested too deep, or typed JSON"
    return (
        (value, None) if _can_be_written(value) else (None, "it has half a character, or an endless number")
    )


def _can_be_written(value: Any) -> bool:
    """Python reads more than it can write again: who logs, shows or sends on such a value fails."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_flat_and_untyped(value: Any) -> bool:
    """Level by level, not recursively: the value may be deeper than our own stack allows."""
    level = [value]
    for _ in range(MAX_DEPTH):
        if any(isinstance(each, dict) and each.keys() == _TYPED_JSON for each in level):
            return False
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return True
    return False


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _problem_of(message: Any, texts: tuple[tuple[str, ...], ...]) -> str | None:
    for name, wanted in _FIXED.items():
        if _at(message, (name,)) != wanted:
            return f"{name} must be {wanted}"
    if not isinstance(_at(message, ("headers",)), Mapping):
        return "headers must be an object"
    for path in texts:
        found = _at(message, path)
        if not isinstance(found, str) or len(found) > MAX_NAME_CHARS:
            return f"{'.'.join(path)} must be a text of at most {MAX_NAME_CHARS} characters"
    return None


def _problem_of_place(message: Any) -> str | None:
    """An exchange would send the message to another queue when it is restored."""
    if _at(message, ("properties", "delivery_info", "exchange")):
        return "properties.delivery_info.exchange must be empty"
    return None


def _problem_of_payload(message: Any) -> str | None:
    match _body(message):
        case [[], dict(), options] if _has_no_options(options):
            return None
        case [list(), dict(), _]:
            return "body must have no positional arguments and no Celery options"
    return "body must be [args, kwargs, options] as JSON, plain or in Base64 as body_encoding says"


def _has_no_options(options: Any) -> bool:
    if not isinstance(options, dict):
        return options is None
    return options.keys() <= _NULL_OPTIONS and all(value is None for value in options.values())


def _problem_of_broadcast_body(message: Any) -> str | None:
    if isinstance(_body(message), list | dict):
        return None
    return "body must be an object or a list as JSON, plain or in Base64 as body_encoding says"


def _problem_of_events(message: Any) -> str | None:
    """Flower keeps what an event says and shows it on pages that then fail, for as long as it keeps it."""
    if _at(message, ("properties", "delivery_info", "exchange")) != _EVENTS:
        return None
    body = _body(message)
    if all(map(_is_event, body if isinstance(body, list) else [body])):
        return None
    return "it has an event with a field of a wrong type"


def _is_event(event: Any) -> bool:
    if not isinstance(event, Mapping) or not isinstance(event.get("type"), str):
        return False
    texts = ("type", "hostname", *(("uuid",) if event["type"].startswith("task-") else ()))
    return (
        all(isinstance(event.get(name), str) and 0 < len(event[name]) <= MAX_NAME_CHARS for name in texts)
        and all(isinstance(event.get(name), str | None) for name in _EVENT_TEXTS)
        and all(_is_amount(event.get(name)) for name in _EVENT_NUMBERS)
        and _is_load(event.get("loadavg"))
    )


def _is_load(value: Any) -> bool:
    """The load of the last one, five and fifteen minutes."""
    return value is None or (isinstance(value, list) and len(value) == 3 and all(map(_is_amount, value)))  # noqa: PLR2004


def _is_amount(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and _LEAST <= value <= _MOST)


def _at(message: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(message, Mapping):
            return None
        message = message.get(name)
    return message


def _body(message: dict[str, Any]) -> Any:
    """The decoded body, or None when kombu must not decode it."""
    body = message.get("body")
    match message["properties"].get("body_encoding"):
        case None:
            return _plain(body)[0]
        case "base64" if isinstance(body, str):
            try:
                return _plain(b64decode(body))[0]
            except ValueError:
                return None
    return None
