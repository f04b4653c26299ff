"""`reconcile`: does the ledger agree with the providers' bills, and which corrections make it agree?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import typer

from db.corrections import CorrectionStore
from generation.reconcile import DayCost, corrections
from providers.billing_reports import BillingReportError, Statement, reading_billing_reports
from providers.profiles import profile_of
from runtime.money import dollars
from runtime.settings import BillingReportSettings, ClaudeSettings, OpenRouterSettings, load
from worker.commands.output import NO, WRONG, AsJson, print_json, print_table, refuse
from worker.commands.stores import stores


def reconcile(
    days: Annotated[
        int, typer.Option(min=1, max=30, help="How many whole days back (UTC), today left out.")
    ] = 7,
    *,
    book: Annotated[bool, typer.Option("--book", help="Add the differences to the ledger.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the ledger with the providers' bills. Exit 1 when they differ and --book is absent."""
    until = datetime.now(UTC).date()
    since = until - timedelta(days=days)
    with _statements() as statements, stores() as at:
        try:
            found = differences(at.corrections, statements, since, until)
        except BillingReportError as err:
            refuse(str(err))
        if book:
            at.corrections.book(since, until, statements, found)
    if as_json:
        print_json({"booked": book, "differences": [_as_json(row) for row in found]})
    else:
        _print(found, statements, since, until, is_booked=book)
    if found and not book:
        raise typer.Exit(NO)


def differences(
    ledger: CorrectionStore, statements: Mapping[str, Statement], since: date, until: date
) -> list[DayCost]:
    """By how much these providers' bills exceed the ledger. `until` is exclusive. Raises BillingReportError."""
    noted = [
        # Each provider has its own name for a model; the statements use ours.
        replace(row, model=profile_of(row.model).name)
        for row in ledger.noted(since, until)
        if row.provider in statements
    ]
    billed = [row for statement in statements.values() for row in statement(since, until)]
    return corrections(noted, billed)


@contextmanager
def _statements() -> Iterator[dict[str, Statement]]:
    with reading_billing_reports(
        load(BillingReportSettings), load(ClaudeSettings), load(OpenRouterSettings)
    ) as statements:
        if not statements:
            refuse(
                "There is no key that may read bills: set ANTHROPIC_ADMIN_KEY, OPENROUTER_MANAGEMENT_KEY or "
                "both for this command.",
                code=WRONG,
            )
        yield statements


def _print(
    found: Sequence[DayCost],
    statements: Mapping[str, Statement],
    since: date,
    until: date,
    *,
    is_booked: bool,
) -> None:
    names, last = " and ".join(statements), until - timedelta(days=1)
    if not found:
        typer.echo(
            f"From {since} to {last} the ledger agrees with the bills of {names}, to the micro-dollar."
        )
        return
    rows = [[str(row.day), row.provider, row.model, dollars(row.cost_microdollars)] for row in found]
    print_table(["day", "provider", "model", "billed beyond the ledger"], rows)
    missing = sum((row.cost_microdollars for row in found), Decimal(0))
    side = "more" if missing >= 0 else "less"
    typer.echo(
        f"From {since} to {last} {names} billed {dollars(abs(missing))} {side} than the calls whose cost the "
        "ledger knows."
    )
    typer.echo("Booked: `cost` adds it from now on." if is_booked else "Add it to the ledger with --book.")


def _as_json(row: DayCost) -> dict[str, str]:
    return {
        "day": row.day.isoformat(),
        "provider": row.provider,
        "model": row.model,
        "costMicrodollars": str(row.cost_microdollars),
    }
