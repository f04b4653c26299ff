"""The API on a real socket, and a writer that does a worker's part by hand."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Self
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI
from sqlalchemy import Engine

from api.app import create_app
from api.notifications import listening
from api.rate_limits import Limits
from api.server import ApiServer, bound
from api.waiting_calls import WaitingCalls
from db.batches import BatchStore
from db.events import EventLog
from db.maintenance import MaintenanceSwitch
from db.operator_dashboard import OperatorDashboard
from db.queue_stats import read_queue_stats
from db.quota import Quota, no_quota
from db.reports import ReportStore
from db.sessions import SessionStore
from generation.errors import FenceLost
from generation.figures.catalogue import diagram, parse
from generation.model import Claim, Question, Slot, Urgency
from runtime.api_settings import ApiSettings
from runtime.settings import DatabaseSettings, PlanSettings
from runtime.tracing import Tracing

#: Part of every explanation, so that a leak is easy to find.
SECRET = "سر-الحل-"

FIGURE = diagram(parse({"pattern": "square", "side": 4, "unit": "سم", "points": "أبجد", "ask": ["area"]}))

TTL_S = 60.0


def question_for(slot: Slot) -> Question:
    """A question that the stores accept for this slot, with a figure that contains its answer."""
    return Question(
        slot=slot,
        stem=f"ما ناتج المسألة رقم {slot.position}؟",
        choices=("ألف", "باء", "جيم", "دال"),
        answer_index=slot.position % 4,
        explanation=f"{SECRET}{slot.position}",
        tip=f"{SECRET}tip",
        solving_strategy=f"{SECRET}strategy",
        fingerprint=f"fingerprint-{slot.position}",
        passage="نص قصير" if slot.position % 2 else None,
        diagram={
            **FIGURE,
            "answer": f"{SECRET}figure",
            "figure": {**FIGURE["figure"], "area": f"{SECRET}area"},
            "data": {**FIGURE["data"], "formulaUsed": f"{SECRET}formula"},
        },
        declared=f"{SECRET}6*7",
        proved=True,
        flags=(f"{SECRET}grammar_cue",),
    )


@dataclass
class Writer:
    """Does a worker's part by hand: claims enqueued batches, writes and finishes them."""

    batches: BatchStore
    messages: queue.Queue[tuple[UUID, int, Urgency]] = field(default_factory=queue.Queue)
    broker_is_up: bool = True

    def enqueue(self, session_id: UUID, batch_index: int, urgency: Urgency) -> bool:
        if self.broker_is_up:
            self.messages.put((session_id, batch_index, urgency))
        return self.broker_is_up

    def claim(self) -> Claim:
        """Claim the batch of the next message."""
        session_id, batch_index, _ = self.messages.get(timeout=10)
        return self.claim_of(session_id, batch_index)

    def claim_of(self, session_id: UUID, batch_index: int) -> Claim:
        claim = self.batches.claim(session_id, batch_index, "writer", TTL_S)
        assert claim is not None
        return claim

    def write(self, claim: Claim, stop: int | None = None, *, start: int = 0) -> None:
        """Commit the questions of the claim's open slots, from `start` up to but not including `stop`."""
        for slot in claim.open_slots[start:stop]:
            self.batches.accept(claim, question_for(slot), uuid4(), "claude")

    def finish(self) -> Claim:
        """Write and finish the batch of the next message."""
        claim = self.claim()
        self.write(claim)
        self.batches.finish(claim)
        return claim

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While the block runs, a thread writes the batch of every message."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.messages.put((UUID(int=0), -1, Urgency.PREFETCH))
            thread.join()

    def _work(self) -> None:
        while (message := self.messages.get())[1] >= 0:
            claim = self.batches.claim(message[0], message[1], "writer", TTL_S)
            if claim is not None:
                try:
                    self.write(claim)
                    self.batches.finish(claim)
                except FenceLost:
                    continue


class Served:
    """The app on a free port of loopback, in a thread, until the block ends."""

    def __init__(
        self,
        database: DatabaseSettings,
        engine: Engine,
        *,
        notified: bool = False,
        limits: Limits | None = None,
        waiting_calls: WaitingCalls | None = None,
        quota: Quota = no_quota,
        tracing: Tracing | None = None,
        maintenance: MaintenanceSwitch | None = None,
        **settings: Any,
    ) -> None:
        self.writer = Writer(BatchStore(engine))
        self.sessions = SessionStore(engine, quota=quota, maintenance=maintenance)
        self.app: FastAPI = create_app(
            ApiSettings(**settings),
            PlanSettings(prefetch_reading_s=0),
            session_store=self.sessions,
            batch_store=self.writer.batches,
            event_log=EventLog(engine),
            report_store=ReportStore(engine),
            enqueue=self.writer.enqueue,
            queue_stats=partial(read_queue_stats, engine),
            database_threads=8,
            listen=partial(listening, database) if notified else None,
            limits=limits,
            waiting_calls=waiting_calls,
            tracing=tracing,
            dashboard=OperatorDashboard(engine, Decimal(5)),
        )
        self._socket = bound("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.server = ApiServer(self.app)
        self._thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(timeout=20)
        self._socket.close()
        assert not self._thread.is_alive(), "the API did not close"

    def until_subscribed(self, readers: int = 1) -> None:
        """Wait until exactly this many calls and streams are subscribed."""
        deadline = time.monotonic() + 20
        while self.app.state.context.notifier.readers != readers:
            assert time.monotonic() < deadline, (
                f"{self.app.state.context.notifier.readers} watch, not {readers}"
            )
            time.sleep(0.01)

    def client(self, user_id: UUID | None = None, **headers: str) -> httpx2.Client:
        """A client for this user, with a time limit that suits a slow machine."""
        user = {"X-User-Id": str(user_id)} if user_id else {}
        return httpx2.Client(base_url=f"{self.url}/api", headers={**user, **headers}, timeout=30)
