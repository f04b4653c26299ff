"""Whether a user may create a session: the web app's decision, asked where it cannot come apart from the session.

The answer of a function in the database, called in the transaction that creates the session. Whatever it
writes (a credit taken, a line in a book) is committed with the session or not at all, so nothing is ever
taken for a session that is not there, and a repeated request takes nothing again.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from db.errors import QuotaExhausted
from generation.model import Plan

#: What the function takes: the user, the session, exam or practice, and how many questions it will have.
ARGUMENTS = "uuid, uuid, text, integer"


class Quota(Protocol):
    def __call__(self, connection: Connection, user_id: UUID, session_id: UUID, plan: Plan, /) -> None:
        """Return if the user may have the session, whose rows are written already. Raises QuotaExhausted."""


def everybody_may(_connection: Connection, _user_id: UUID, _session_id: UUID, _plan: Plan, /) -> None:
    """Without a quota function nobody is refused."""


class QuotaFunction:
    """Asks the function of this name, `schema.name`; true is yes, anything else is no."""

    def __init__(self, name: str) -> None:
        self._name = name
        schema, function = name.split(".")
        self._query = text(f'SELECT "{schema}"."{function}"(:user, :session, :kind, :questions)')

    def __call__(self, connection: Connection, user_id: UUID, session_id: UUID, plan: Plan, /) -> None:
        values = {
            "user": user_id,
            "session": session_id,
            "kind": plan.kind.value,
            "questions": plan.total_questions,
        }
        if connection.execute(self._query, values).scalar_one() is not True:
            raise QuotaExhausted

    def exists(self, engine: Engine) -> bool:
        """Whether the database has the function with these arguments, and we may call it."""
        signature = f"{self._name}({ARGUMENTS})"
        query = text(
            "SELECT has_function_privilege(found, 'EXECUTE') AND "
            "(SELECT prorettype FROM pg_proc WHERE oid = found) = 'boolean'::regtype "
            "FROM CAST(to_regprocedure(:signature) AS oid) AS found"
        )
        with engine.connect() as connection:
            return connection.execute(query, {"signature": signature}).scalar_one() is True
