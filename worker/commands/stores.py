"""The stores that commands read and change, opened for one command and closed after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from db.batches import BatchStore
from db.corrections import CorrectionStore
from db.engine import make_engine
from db.errors import DatabaseUnreachable
from db.ledger import LedgerStore
from db.operator_queries import OperatorView
from db.spending import SpendLimits
from runtime.settings import DatabaseSettings, load
from runtime.spend_settings import SpendSettings
from worker.commands.output import refuse


@dataclass(frozen=True)
class Stores:
    operator: OperatorView
    batches: BatchStore
    ledger: LedgerStore
    corrections: CorrectionStore
    engine: Engine


@contextmanager
def stores() -> Iterator[Stores]:
    """The stores of one command. An unreachable server ends it with a sentence."""
    limits = SpendLimits.of(load(SpendSettings))
    engine = make_engine(load(DatabaseSettings), application_name="tafawoq-cli")
    try:
        yield Stores(
            OperatorView(engine),
            BatchStore(engine, limits),
            LedgerStore(engine),
            CorrectionStore(engine),
            engine,
        )
    except DatabaseUnreachable as err:
        refuse(str(err))
    finally:
        engine.dispose()
