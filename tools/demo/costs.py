"""Reads the ledger while the exam is written, so that its price can be watched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from db.engine import make_engine
from db.errors import DatabaseUnreachable
from db.ledger import CostKey, LedgerStore
from runtime.settings import DatabaseSettings

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Price:
    """Of one batch so far, or of all."""

    microdollars: Decimal = Decimal(0)
    read: int = 0  #: tokens from the prompt cache
    written: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Weighted by tokens; None when nothing was cached yet."""
        return self.read / (self.read + self.written) if self.read + self.written else None

    def __add__(self, other: Price) -> Price:
        return Price(
            self.microdollars + other.microdollars, self.read + other.read, self.written + other.written
        )


class CostWatch(threading.Thread):
    """Calls `on_prices` with the price of each batch, once a second, until it is left.

    A ledger that does not answer is asked again: a demo needs no price to go on.
    """

    def __init__(
        self,
        database_url: str,
        session_id: Callable[[], str],
        on_prices: Callable[[Mapping[int, Price]], None],
    ) -> None:
        """`session_id` is empty until the session exists."""
        super().__init__(name="costs", daemon=True)
        self._engine = make_engine(DatabaseSettings(database_url=database_url), "tafawoq-demo")
        self._session_id, self._on_prices = session_id, on_prices
        self._leaving = threading.Event()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self.join()
        self._engine.dispose()

    def run(self) -> None:
        while not self._leaving.wait(_EVERY_S):
            if session_id := self._session_id():
                self._look(UUID(session_id))

    def _look(self, session_id: UUID) -> None:
        try:
            rows = LedgerStore(self._engine).cost_by(CostKey.BATCH, session_id=session_id)
        except (DatabaseUnreachable, SQLAlchemyError):
            return
        self._on_prices(
            {
                int(row.key): Price(row.cost_microdollars, row.usage.cache_read, row.usage.cache_written)
                for row in rows
            }
        )
