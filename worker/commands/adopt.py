"""`adopt`: sessions that the web app's own generator began are taken over, one of them or all that are live."""

from __future__ import annotations

from collections import Counter
from typing import Annotated
from uuid import UUID

import typer

from db.sessions import SessionStore
from generation.adoption import NotAdopted
from generation.errors import SessionMissing
from worker.commands.output import NO, WRONG, AsJson, print_json, print_table, refuse
from worker.commands.stores import stores

ADOPTED = "adopted"
HAS_A_PLAN = "has a plan"


def adopt(
    session_id: Annotated[UUID | None, typer.Argument(help="The session's id.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every session in progress or paused.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take over sessions from before the switch. The first call for one does so, too; repeating it is harmless."""
    if (session_id is None) != every:
        refuse("Name one session, or give --all.", code=WRONG)
    with stores() as at:
        sessions = SessionStore(at.engine)
        ids = sessions.to_adopt() if session_id is None else [session_id]
        outcomes = {each: _adopt(sessions, each) for each in ids}
    _print(outcomes, as_json=as_json)
    if session_id is not None and outcomes[session_id] not in {ADOPTED, HAS_A_PLAN}:
        raise typer.Exit(NO)


def _adopt(sessions: SessionStore, session_id: UUID) -> str:
    try:
        return ADOPTED if sessions.adopt(session_id) else HAS_A_PLAN
    except NotAdopted as err:
        return err.reason.value
    except SessionMissing:
        return "missing"


def _print(outcomes: dict[UUID, str], *, as_json: bool) -> None:
    if as_json:
        print_json([{"session": each, "outcome": outcome} for each, outcome in outcomes.items()])
        return
    left = [[str(each), outcome] for each, outcome in outcomes.items() if outcome != ADOPTED]
    if left:
        print_table(["session", "outcome"], left)
    counts = Counter(outcomes.values())
    typer.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "Nothing to adopt.")
