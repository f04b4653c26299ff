"""Read-only remote control: a worker answers the questions of Flower and the doctor, and nothing else.

A client that can publish to Redis can address every worker. With Celery's own commands it could stop a worker, take
away its queues, or run a regular expression of its own on the main loop. This module allows a few commands that only
read, passes them no arguments from the caller, and sends replies only to Celery's reply exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from celery.app.control import Control, Mailbox
from kombu.pidbox import Node

log = structlog.get_logger(__name__)

#: The commands of Flower's pages, the doctor and `celery inspect ping`. `heartbeat` makes the worker send an event.
READ_ONLY_COMMANDS = frozenset(
    {
        *("active", "active_queues", "conf", "heartbeat", "ping"),
        *("registered", "reserved", "revoked", "scheduled", "stats"),
    }
)
#: Characters of an unknown command's name in our log.
_LONGEST_NAME = 60


class ReadOnlyNode(Node):
    """One worker's mailbox."""

    def __init__(
        self,
        hostname: str,
        state: Any = None,
        channel: Any = None,
        handlers: Mapping[str, Callable[..., Any]] | None = None,
        mailbox: Any = None,
    ) -> None:
        looking = {name: handler for name, handler in (handlers or {}).items() if name in READ_ONLY_COMMANDS}
        super().__init__(hostname, state, channel, looking, mailbox)  # type: ignore[no-untyped-call]  # kombu has no types
        self._commands = frozenset(looking)
        self._answers: str = mailbox.reply_exchange.name

    def handle_message(self, body: Any, message: Any = None) -> Any:  # noqa: ARG002  kombu's name
        """Answer a read-only command; log and ignore any other. Never raises, whatever the message holds."""
        if not isinstance(body, Mapping) or not self._is_addressed(body.get("destination")):
            return None
        method, reply_to = body.get("method"), body.get("reply_to")
        if not isinstance(method, str) or method not in self._commands:
            log.warning("command_refused", command=str(method)[:_LONGEST_NAME])
            return None
        if not self._is_where_answers_belong(reply_to):
            return None
        ticket = body.get("ticket")
        return self.dispatch(method, None, reply_to or None, ticket if isinstance(ticket, str) else None)  # type: ignore[no-untyped-call]  # kombu has no types

    def _is_addressed(self, destination: Any) -> bool:
        """Whether the message names this worker, or names none, which means all. A pattern matches no worker."""
        return not destination or (isinstance(destination, list) and self.hostname in destination)

    def _is_where_answers_belong(self, reply_to: Any) -> bool:
        """A reply is pushed to a list in Redis: it may be the caller's reply list, never one of our queues."""
        return not reply_to or (
            isinstance(reply_to, Mapping)
            and reply_to.get("exchange") == self._answers
            and isinstance(reply_to.get("routing_key"), str)
        )


class ReadOnlyMailbox(Mailbox):
    node_cls = ReadOnlyNode


class ReadOnlyControl(Control):
    Mailbox = ReadOnlyMailbox
