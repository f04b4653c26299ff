"""The number of round trips for a batch: they cost the worker more than the rows cost Postgres."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, event

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.sessions import SessionStore
from generation.model_call import AttemptRecord
from tests.integration.db.exams import claimed, exam_plan, fill, new_session

#: One for each statement, and two more for the transactions of a claim and of a finish. No ping, no repeated query.
CLAIM, QUESTION, CALL, FINISH = 5, 1, 2, 7


class RoundTrips:
    """The number of round trips since the last reading."""

    def __init__(self, engine: Engine) -> None:
        self._asked = 0
        event.listen(engine, "before_cursor_execute", self._ask)
        event.listen(engine, "begin", self._bracket)
        event.listen(engine, "commit", self._bracket)

    def seen(self) -> int:
        asked, self._asked = self._asked, 0
        return asked

    def _ask(self, *_: Any) -> None:
        self._asked += 1

    def _bracket(self, connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            self._asked += 1


def test_a_batch_costs_one_round_trip_per_question_and_a_few_more(engine: Engine) -> None:
    store, ledger = BatchStore(engine), LedgerStore(engine)
    session_id = new_session(SessionStore(engine), exam_plan((10,)))
    round_trips = RoundTrips(engine)

    claim = claimed(store, session_id)
    assert round_trips.seen() == CLAIM
    call = AttemptRecord(uuid4(), session_id, 0, claim.epoch, "claude", "m", asked=10)
    ledger.open(call)
    ledger.close(call)
    assert round_trips.seen() == CALL
    fill(store, claim)
    assert round_trips.seen() == 10 * QUESTION
    store.finish(claim)
    assert round_trips.seen() == FINISH
