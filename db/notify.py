"""LISTEN/NOTIFY: a hint that a session has new events. The rows are the truth, so readers also poll.

Postgres delivers a notification only when its transaction commits, and not through a transaction-pooling proxy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self
from uuid import UUID

import psycopg

from db.engine import connect_arguments, unreachable
from runtime.settings import DatabaseSettings

CHANNEL = "generation_events"


class Listener:
    """A dedicated connection that receives the ids of sessions with new events. One thread uses it at a time.

    Every method may raise DatabaseUnreachable. Notifications sent while no connection listened are lost.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        with self._unreachable_for_errors():
            self._connection = psycopg.connect(
                settings.libpq_url, autocommit=True, **connect_arguments(settings, "tafawoq-listener")
            )
            try:
                self._connection.execute(f"LISTEN {CHANNEL}")
            except psycopg.Error:  # a standby refuses to listen
                self._connection.close()
                raise

    def wait(self, timeout_s: float) -> frozenset[UUID]:
        """The sessions of the next notifications, as soon as one arrives; empty after `timeout_s` seconds."""
        with self._unreachable_for_errors():
            received = list(self._connection.notifies(timeout=timeout_s, stop_after=1))
            received += self._connection.notifies(timeout=0)
        return frozenset(_sessions(notification.payload for notification in received))

    @contextmanager
    def _unreachable_for_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as err:
            raise unreachable(self._settings, err) from err

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _sessions(payloads: Iterable[str]) -> Iterator[UUID]:
    """Any database client may notify, so a payload that is not a session id is ignored."""
    for payload in payloads:
        with suppress(ValueError):
            yield UUID(payload)
