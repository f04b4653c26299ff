"""The quota: whether a user may create a session, which the web app decides.

A function in the database decides, called in the transaction that creates the session. What it writes (a
credit taken, a log row) is committed with the session or not at all: each session takes exactly one credit.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from db.errors import QuotaExhausted
from generation.model import Plan

#: The function's parameters: the user, the session, exam or practice, and the number of questions.
ARGUMENTS = "uuid, uuid, text, integer"


class Quota(Protocol):
    def __call__(self, connection: Connection, user_id: UUID, session_id: UUID, plan: Plan, /) -> None:
        """Return when the user may have the session, whose rows are already written. Raises QuotaExhausted."""


def no_quota(_connection: Connection, _user_id: UUID, _session_id: UUID, _plan: Plan, /) -> None:
    """Without a quota function every user may create sessions."""


class QuotaFunction:
    """Calls the function `schema.name`; true allows the session, any other value does not."""

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
        """Whether the function exists with ARGUMENTS, returns a boolean, and our account may call it."""
        signature = f"{self._name}({ARGUMENTS})"
        query = text(
            "SELECT has_function_privilege(found, 'EXECUTE') AND "
            "(SELECT prorettype FROM pg_proc WHERE oid = found) = 'boolean'::regtype "
            "FROM CAST(to_regprocedure(:signature) AS oid) AS found"
        )
        with engine.connect() as connection:
            return connection.execute(query, {"signature": signature}).scalar_one() is True
