"""`tafawoq-worker`: what an operator can see and do from a shell. Another composition root.

Tables for people, `--json` for programs. Exit codes: 0 done, 1 no (nothing found, a check failed), 2 a
wrong call or wrong settings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from db.batches import BatchStore
from db.engine import make_engine
from db.errors import DatabaseUnreachable
from db.ledger import Cost, CostKey, LedgerStore
from db.operator import OperatorView
from generation.errors import GenerationError
from generation.model import Urgency
from runtime.settings import DatabaseSettings, SettingsError, load

cli = typer.Typer(
    name="tafawoq-worker",
    help="See and steer the generation of questions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SessionId = Annotated[UUID, typer.Argument(help="The session's id.")]


@cli.command()
def sessions(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those with a batch that was given up.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the newest sessions: how far each is, and what it has cost."""
    with stores() as at:
        lines = at.operator.sessions(limit, failed=failed)
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    print_table(
        ["session", "kind", "track", "created", "questions", "batches", "cost"],
        [
            [
                str(line.session_id),
                line.kind,
                line.track,
                moment(line.created_at),
                f"{line.questions}/{line.total_questions}",
                ", ".join(f"{count} {status}" for status, count in line.batches.items()),
                dollars(line.cost_microdollars),
            ]
            for line in lines
        ],
    )


@cli.command()
def retry(session_id: SessionId) -> None:
    """Queue the failed batches of a session again, in order; the workers' sweep rings for them."""
    with stores() as at:
        failed = at.operator.failed_batches(session_id)
        if not failed:
            refuse(f"No batch of session {session_id} has failed.")
        for batch_index in failed:
            try:
                at.batches.request(session_id, batch_index, Urgency.INTERACTIVE)
            except GenerationError as err:
                refuse(f"Batch {batch_index} cannot be tried again: {err}")
            at.batches.unring(session_id, batch_index)
            typer.echo(f"Batch {batch_index} is queued.")


@cli.command()
def cost(
    by: Annotated[CostKey, typer.Option(help="What to add up by.")] = CostKey.DAY,
    session: Annotated[UUID | None, typer.Option(help="One session only, batch by batch.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 30,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what the model calls have cost, at list prices."""
    with stores() as at:
        if session is not None:
            rows = at.ledger.cost_by(CostKey.BATCH, session_id=session)
            rows.sort(key=lambda row: int(row.key))
        else:
            rows = at.ledger.cost_by(by, since=days_ago(days))
    if as_json:
        print_json(cost_report(rows, "batchIndex" if session else by.value))
        return
    print_table(
        [
            "batch" if session else by.value,
            "calls",
            "questions",
            "in",
            "out",
            "cache read",
            "written",
            "cost",
        ],
        [
            [
                row.key,
                str(row.attempts),
                f"{row.accepted}/{row.asked}",
                *(f"{count:,}" for count in (row.usage.input, row.usage.output)),
                *(f"{count:,}" for count in (row.usage.cache_read, row.usage.cache_written)),
                dollars(row.cost_microdollars),
            ]
            for row in rows
        ],
    )
    typer.echo(
        f"In all {dollars(total(rows))}, cache hit rate {percent(hit_rate(rows))} of the shared tokens."
    )


def cost_report(rows: Sequence[Cost], key: str) -> dict[str, Any]:
    """Costs as a program reads them; amounts are exact decimals in text."""
    return {
        "costMicrodollars": str(total(rows)),
        "cacheHitRate": hit_rate(rows),
        "rows" if key != "batchIndex" else "batches": [
            {
                key: int(row.key) if key == "batchIndex" else row.key,
                "attempts": row.attempts,
                "accepted": row.accepted,
                "rejected": row.rejected,
                "inputTokens": row.usage.input,
                "outputTokens": row.usage.output,
                "cacheReadTokens": row.usage.cache_read,
                "cacheWriteTokens": row.usage.cache_written,
                "costMicrodollars": str(row.cost_microdollars),
            }
            for row in rows
        ],
    }


def total(rows: Iterable[Cost]) -> Decimal:
    return sum((row.cost_microdollars for row in rows), Decimal(0))


def hit_rate(rows: Iterable[Cost]) -> float | None:
    """Token-weighted: read / (read + written); None when nothing was cached at all."""
    rows = list(rows)
    read = sum(row.usage.cache_read for row in rows)
    shared = read + sum(row.usage.cache_written for row in rows)
    return read / shared if shared else None


@dataclass(frozen=True)
class Stores:
    operator: OperatorView
    batches: BatchStore
    ledger: LedgerStore
    engine: Engine


@contextmanager
def stores() -> Iterator[Stores]:
    """The stores of one command. Wrong settings and a missing server end it with a sentence."""
    try:
        engine = make_engine(load(DatabaseSettings), application_name="tafawoq-cli")
        try:
            yield Stores(OperatorView(engine), BatchStore(engine), LedgerStore(engine), engine)
        finally:
            engine.dispose()
    except SettingsError as err:
        refuse(str(err), code=2)
    except DatabaseUnreachable as err:
        refuse(str(err))


def refuse(sentence: str, *, code: int = 1) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain, indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def since(start: datetime, end: datetime | None) -> str:
    return "" if end is None else f"+{(end - start).total_seconds():.1f} s"


def days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def dollars(microdollars: Decimal) -> str:
    return f"${microdollars / 1_000_000:.4f}"


def percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share:.1%}"


def main() -> None:
    """Every command there is; the others are in modules that build on this one."""
    from worker import operations

    operations.add_to(cli)
    cli()


if __name__ == "__main__":
    main()
