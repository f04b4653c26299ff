"""Remote control that only looks: what Flower's pages and the doctor ask a worker, and nothing else.

Whoever can publish to Redis can address every worker at once. Celery's own commands would let them stop a worker,
make it deaf, or match names against a regular expression of theirs on the loop that takes messages. Here a command is
one of a few that read, comes without arguments of the caller's, and is answered where answers belong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from celery.app.control import Control, Mailbox
from kombu.pidbox import Node

log = structlog.get_logger(__name__)

#: What the pages of Flower ask, and the doctor, and `celery inspect ping`. A `heartbeat` is an event, out of turn.
LOOKING = frozenset(
    {
        *("active", "active_queues", "conf", "heartbeat", "ping"),
        *("registered", "reserved", "revoked", "scheduled", "stats"),
    }
)
#: Of a foreign command, in our log.
_LONGEST_NAME = 60


class LookingNode(Node):
    """One worker's mailbox."""

    def __init__(
        self,
        hostname: str,
        state: Any = None,
        channel: Any = None,
        handlers: Mapping[str, Callable[..., Any]] | None = None,
        mailbox: Any = None,
    ) -> None:
        looking = {name: handler for name, handler in (handlers or {}).items() if name in LOOKING}
        super().__init__(hostname, state, channel, looking, mailbox)  # type: ignore[no-untyped-call]  # kombu has no types
        self._commands = frozenset(looking)
        self._answers: str = mailbox.reply_exchange.name

    def handle_message(self, body: Any, message: Any = None) -> Any:  # noqa: ARG002  kombu's name
        """Answer a command that only looks; anything else is logged and left. Never raises for what was sent."""
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
        """By name, or with everybody. Patterns are not obeyed, and reach nobody by not being names."""
        return not destination or (isinstance(destination, list) and self.hostname in destination)

    def _is_where_answers_belong(self, reply_to: Any) -> bool:
        """An answer is pushed to a list in Redis: to that of who waits, never to one of our queues."""
        return not reply_to or (
            isinstance(reply_to, Mapping)
            and reply_to.get("exchange") == self._answers
            and isinstance(reply_to.get("routing_key"), str)
        )


class LookingMailbox(Mailbox):
    node_cls = LookingNode


class LookingControl(Control):
    Mailbox = LookingMailbox
