"""`sessions`, `retry` and `cancel`: the newest sessions, another try for failed batches, the end of a session."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from db.sessions import SessionStore
from generation.errors import SessionClosed, SessionMissing, SpendLimitReached
from runtime.money import dollars
from worker.commands.output import AsJson, SessionId, moment, print_json, print_table, refuse
from worker.commands.stores import stores


def sessions(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those with a batch that was given up.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the newest sessions: how far each one is, and what it has cost."""
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


def retry(session_id: SessionId, *, as_json: AsJson = False) -> None:
    """Queue the failed batches of a session again; the workers' sweep enqueues them."""
    with stores() as at:
        try:
            revived = at.batches.revive(session_id)
        except (SessionMissing, SessionClosed, SpendLimitReached) as err:
            refuse(f"Session {session_id} cannot be tried again: {err}")
    if not revived:
        refuse(f"No batch of session {session_id} has failed.")
    if as_json:
        print_json({"session": session_id, "queued": revived})
        return
    for batch_index in revived:
        typer.echo(f"Batch {batch_index} is queued.")


def cancel(session_id: SessionId, *, as_json: AsJson = False) -> None:
    """Close a session for good: nothing more is written or spent for it. What is committed stays."""
    with stores() as at:
        try:
            SessionStore(at.engine).cancel(session_id)
        except SessionMissing:
            refuse(f"There is no session {session_id}.")
    if as_json:
        print_json({"session": session_id, "status": "closed"})
    else:
        typer.echo(f"Session {session_id} is closed.")
