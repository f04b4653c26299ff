"""LISTEN/NOTIFY: a hint that a session has news. Rows are the message, so readers poll as well.

Postgres delivers a notification only if its transaction commits, and not through a transaction-pooling proxy.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self
from uuid import UUID

import psycopg

from db.engine import connect_arguments, unreachable
from runtime.settings import DatabaseSettings

CHANNEL = "generation_events"


class Listener:
    """A connection of its own that hears which sessions have new events. One thread uses it at a time.

    Raises DatabaseUnreachable from anything; what was said while nobody listened is lost.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        try:
            self._connection = psycopg.connect(
                settings.libpq_url, autocommit=True, **connect_arguments(settings, "tafawoq-listener")
            )
            self._connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.OperationalError as err:
            raise unreachable(settings) from err

    def wait(self, timeout_s: float) -> frozenset[UUID]:
        """The sessions that were named, as soon as there is one; empty when the time is up."""
        try:
            heard = list(self._connection.notifies(timeout=timeout_s, stop_after=1))
            heard += self._connection.notifies(timeout=0)
        except psycopg.OperationalError as err:
            raise unreachable(self._settings) from err
        return frozenset(UUID(notification.payload) for notification in heard)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
