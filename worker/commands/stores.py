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
from runtime.settings import DatabaseSettings, SettingsError, load
from runtime.spend_settings import SpendSettings
from worker.commands.output import WRONG, refuse


@dataclass(frozen=True)
class Stores:
    operator: OperatorView
    batches: BatchStore
    ledger: LedgerStore
    corrections: CorrectionStore
    engine: Engine


@contextmanager
def stores() -> Iterator[Stores]:
    """The stores of one command. Wrong settings or an unreachable server end it with a sentence."""
    try:
        engine = make_engine(load(DatabaseSettings), application_name="tafawoq-cli")
        limits = SpendLimits.of(load(SpendSettings))
        try:
            yield Stores(
                OperatorView(engine),
                BatchStore(engine, limits),
                LedgerStore(engine),
                CorrectionStore(engine),
                engine,
            )
        finally:
            engine.dispose()
    except SettingsError as err:
        refuse(str(err), code=WRONG)
    except DatabaseUnreachable as err:
        refuse(str(err))
