"""LISTEN/NOTIFY: a hint that a session has news. Rows are the message, so readers poll as well.

Postgres delivers a notification only if its transaction commits, and not through a transaction-pooling proxy.
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
    """A connection of its own that hears which sessions have new events. One thread uses it at a time.

    Raises DatabaseUnreachable from anything; what was said while nobody listened is lost.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        with self._saying_that_it_is_away():
            self._connection = psycopg.connect(
                settings.libpq_url, autocommit=True, **connect_arguments(settings, "tafawoq-listener")
            )
            try:
                self._connection.execute(f"LISTEN {CHANNEL}")
            except psycopg.Error:  # a standby refuses to listen
                self._connection.close()
                raise

    def wait(self, timeout_s: float) -> frozenset[UUID]:
        """The sessions that were named, as soon as something is said; empty when the time is up."""
        with self._saying_that_it_is_away():
            heard = list(self._connection.notifies(timeout=timeout_s, stop_after=1))
            heard += self._connection.notifies(timeout=0)
        return frozenset(_sessions(notification.payload for notification in heard))

    @contextmanager
    def _saying_that_it_is_away(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as err:
            raise unreachable(self._settings) from err

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _sessions(payloads: Iterable[str]) -> Iterator[UUID]:
    """Whoever can connect can notify: what names no session is nothing to us."""
    for payload in payloads:
        with suppress(ValueError):
            yield UUID(payload)
