"""The output of commands: tables for people, JSON for programs, error sentences on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SessionId = Annotated[UUID, typer.Argument(help="The session's id.")]

#: Exit codes: nothing found or a check failed, and wrong arguments or settings.
NO, WRONG = 1, 2


def refuse(sentence: str, *, code: int = NO) -> NoReturn:
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


def percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share:.1%}"
