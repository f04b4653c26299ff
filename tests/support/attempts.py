"""A row of the ledger, for tests in which only some of it matters."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from generation.model_call import AttemptRecord


def an_attempt(**changes: Any) -> AttemptRecord:
    """A call for ten questions to Claude that ended well and cost nothing, but for these changes."""
    call = AttemptRecord(
        id=uuid4(),
        session_id=uuid4(),
        batch_index=0,
        epoch=1,
        provider="claude",
        model="claude-sonnet-5-5",
        asked=10,
        outcome="complete",
    )
    return replace(call, **changes)


def dollars_spent(dollars: Decimal | int | str, session_id: UUID | None = None) -> AttemptRecord:
    """A call of this session, or of any, that cost so much."""
    spent = an_attempt(cost_microdollars=Decimal(dollars) * 1_000_000)
    return spent if session_id is None else replace(spent, session_id=session_id)
