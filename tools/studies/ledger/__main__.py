"""`python -m tools.studies.ledger`: does the ledger say what the provider bills, whatever goes wrong?

Makes model calls through the whole writing side, against a simulator that fails in every way it can, and
compares the ledger with the simulator's bill, call by call. Exit code 0 when every call agrees to the
micro-dollar and no whole question was lost; 1 when not.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from db.engine import make_engine
from runtime.money import dollars
from runtime.settings import DatabaseSettings
from tests.support.databases import Databases
from tools.simulator.running import RunningSimulator
from tools.stack.embedded import EmbeddedPostgres
from tools.studies.ledger.calls import STALL_TIMEOUT_S, Tally, make_calls
from tools.studies.ledger.mixture import mixture
from tools.studies.ledger.reconcile import Comparison, as_json, compare, reconciled


def main(
    calls: Annotated[int, typer.Option(min=1, help="How many model calls to make.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the faults, the questions and the exams.")] = 1,
    speed: Annotated[float, typer.Option(min=1, help="The simulator's factor.")] = 300,
    threads: Annotated[int, typer.Option(min=1, help="Runs at the same time.")] = 12,
    out: Annotated[Path | None, typer.Option("--json", help="Write the result to this file too.")] = None,
) -> None:
    """Compare the ledger with the bill after calls that fail in every way."""
    began = time.monotonic()
    with _database() as engine, RunningSimulator(seed=seed, speed=speed) as simulator:
        simulator.faults.extend(mixture(seed, stall_s=2 * STALL_TIMEOUT_S * speed))
        tally = make_calls(engine, simulator, wanted=calls, seed=seed, threads=threads)
        found = compare(engine, simulator.bill().entries)
        sums = reconciled(engine, simulator)
    result = as_json(found) | {
        "reconciled": {name: str(amount) for name, amount in sums.items()},
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "rejections": dict(tally.rejections),
    }
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    _show(found, tally, seed)
    print("Reconciled with the providers' statements: " + ", ".join(f"{n} {a:f}" for n, a in sums.items()))
    agrees = sums["ledger"] + sums["corrections"] == sums["bill"]
    print(
        "The ledger says what the bill says." if found.holds and agrees else "THE LEDGER AND THE BILL DIFFER."
    )
    sys.exit(0 if found.holds and agrees else 1)


@contextmanager
def _database() -> Iterator[Engine]:
    """A fresh database on DATABASE_URL's server, or on an embedded one."""
    given = os.environ.get("DATABASE_URL")
    if given is None:
        with EmbeddedPostgres(durable=False) as server, _fresh(server.url) as engine:
            yield engine
        return
    with _fresh(given) as engine:
        yield engine


@contextmanager
def _fresh(server_url: str) -> Iterator[Engine]:
    with Databases(server_url) as databases, databases.migrated() as url:
        settings = DatabaseSettings(database_url=url, database_pool_size=30)
        engine = make_engine(settings, application_name="bench")
        try:
            yield engine
        finally:
            engine.dispose()


def _show(found: Comparison, tally: Tally, seed: int) -> None:
    table = Table(
        "outcome",
        "usage is",
        "calls",
        "questions",
        "ledger",
        "bill",
        "difference",
        box=None,
        title="Amounts in micro-dollars",
    )
    for _, group in sorted(found.groups.items()):
        cells = (group.outcome, group.usage_source, group.calls, group.accepted)
        amounts = (group.ledger, group.bill, group.ledger - group.bill)
        table.add_row(*map(str, cells), *(f"{amount:f}" for amount in amounts))
    Console(width=120).print(table)
    reported = as_json(found)
    ledger, bill = (dollars(Decimal(reported[name])) for name in ("ledgerMicrodollars", "billMicrodollars"))
    print(f"{found.calls} calls, seed {seed}; rejected: {dict(tally.rejections)}")
    print(
        f"Of known cost: ledger {ledger}, bill {bill}; {len(found.wrong)} calls differ, to the micro-dollar."
    )
    unknown = as_json(found)["flagged"]
    print(
        f"Flagged as unknown or estimated: {unknown['calls']} calls, in the ledger "
        f"{dollars(Decimal(unknown['ledgerMicrodollars']))}, billed {dollars(Decimal(unknown['billMicrodollars']))}."
    )
    print(
        f"Billed without a name in the ledger: {len(found.strangers)}, which has {found.nameless} calls that "
        f"saw no answer. Whole questions lost: {found.lines_lost}."
    )


if __name__ == "__main__":
    typer.run(main)
