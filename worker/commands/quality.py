"""`quality`: what an exam, or a day's sessions, are worth: quotas, doubts, repeats avoided, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from db.quality import QualityReport, QualityStore
from runtime.money import dollars
from worker.commands.output import AsJson, print_json, print_table, refuse
from worker.commands.stores import stores

_Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]


def quality(
    session: Annotated[
        UUID | None, typer.Argument(help="One session; without it, the sessions of a day.")
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Of their creation, in UTC; today by default."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report to this page, too.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Report the quality of an exam or of a day, in counts: no question and no student is in it."""
    which = (day or datetime.now(UTC)).date()
    with stores() as at:
        store = QualityStore(at.engine)
        report = store.of_session(session) if session is not None else store.of_day(which)
    about = f"Session {session}" if session is not None else f"Sessions of {which}"
    if report is None:
        refuse(f"{about}: there is none.")
    if html is not None:
        html.write_text(page(about, report), encoding="utf-8")
    if as_json:
        print_json(asdict(report))
        return
    typer.echo(about)
    for sentence in sentences(report):
        typer.echo(sentence)
    for _, columns, rows in tables(report):
        typer.echo()
        print_table(columns, rows)


def sentences(report: QualityReport) -> Iterator[str]:
    sessions = "1 session" if report.sessions == 1 else f"{report.sessions} sessions"
    yield f"{report.questions} of {report.planned} planned questions in {sessions}; {report.deviating} deviate from the plan."
    yield f"Answer check: {_listed(report.verdicts)}. What it found: {_listed(report.reasons)}."
    yield f"{report.not_graded} questions are left out of grading. Students reported: {_listed(report.reports)}. People decided: {_listed(report.decisions)}."
    yield f"Before that {report.rejected} objects broke a rule, {report.repeats} of them repeats, and {report.rewritten} disputed questions were written again."
    yield (
        f"It cost {dollars(report.cost_microdollars)}, of which checks {dollars(report.checks_microdollars)} "
        f"and writing again {dollars(report.rewrites_microdollars)}."
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()) or "nothing"


def tables(report: QualityReport) -> tuple[_Table, ...]:
    quotas = [[each.field, each.value, str(each.planned), str(each.there)] for each in report.quotas]
    sources = [
        [
            *(each.prompt_version, each.model, each.topic),
            *map(str, (each.questions, each.disputed, each.doubtful_language)),
            *map(str, (each.reported, each.retired_or_changed)),
        ]
        for each in report.sources
    ]
    names = (
        "prompt",
        "model",
        "topic",
        "questions",
        "disputed",
        "language",
        "reported",
        "changed or retired",
    )
    return ("Quotas", ("quota", "value", "planned", "there"), quotas), ("Sources", names, sources)


def page(about: str, report: QualityReport) -> str:
    """The report as one HTML page without scripts."""
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(report))
    shown = "".join(map(_html, tables(report)))
    style = "body{font-family:sans-serif;margin:2rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(about)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style}</style>'
        f"<h1>{escape(about)}</h1>{said}{shown}</html>\n"
    )


def _html(table: _Table) -> str:
    title, columns, rows = table
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"
