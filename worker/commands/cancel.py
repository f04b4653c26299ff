"""`cancel`: nothing more is written or spent for a session."""

from __future__ import annotations

import typer

from db.sessions import SessionStore
from generation.errors import SessionMissing
from worker.commands.output import AsJson, SessionId, print_json, refuse
from worker.commands.stores import stores


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
