"""What the routes work with: the stores, the broker, the notifier, and threads for blocking calls."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ParamSpec, TypeVar
from uuid import UUID

import anyio
import anyio.to_thread
import structlog
from fastapi import Depends, Request

from api.auth import Authenticator
from api.errors import ApiError
from api.metrics import ApiMetrics
from api.notifications import Notifier
from api.open_streams import OpenStreams
from api.rate_limits import Kind, Limits
from api.single_flight import SingleFlight
from api.waiting_calls import WaitingCalls
from db.batches import BatchStore
from db.events import EventLog
from db.operator_dashboard import OperatorDashboard
from db.queue_stats import QueueStats
from db.reports import ReportStore
from db.session_status import SessionStatus
from db.sessions import SessionStore, SessionView
from generation.errors import SessionMissing
from generation.figure_plan import FigureChoice
from generation.model import SessionKind, Urgency
from runtime.api_settings import ApiSettings
from runtime.settings import PlanSettings
from runtime.tracing import Tracing
from tasks.enqueue import Enqueue, WantedBatch, enqueue_wanted

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """One per app. `threads` allows as many threads as the connection pool has connections, so none waits for one.

    `messages` has its own threads, so a broker that hangs blocks only these; the stop cancels messages in their queue.
    """

    settings: ApiSettings
    plan: PlanSettings
    figures: FigureChoice
    sessions: SessionStore
    batches: BatchStore
    events: EventLog
    reports: ReportStore
    enqueue: Enqueue
    authenticator: Authenticator
    notifier: Notifier
    single_flight: SingleFlight
    streams: OpenStreams
    metrics: ApiMetrics
    tracing: Tracing
    threads: anyio.CapacityLimiter
    messages: Executor
    queue_stats: Callable[[], QueueStats]
    limits: Limits
    waiting_calls: WaitingCalls
    dashboard: OperatorDashboard | None

    async def check_rate(self, user_id: UUID, kind: Kind) -> None:
        """Count one call of this user. Raises ApiError `too_many_requests`."""
        wait_s = await self.limits.take(user_id, kind)
        if wait_s > 0:
            raise ApiError("too_many_requests", retry_after_s=wait_s)

    async def on_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a store's method on a thread; returns or raises what the method does."""
        return await anyio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=self.threads)

    async def enqueue_batch(self, session_id: UUID, batch_index: int, urgency: Urgency) -> None:
        """Enqueue a batch whose request is already committed; waits for the broker only a short time.

        When the broker does not take the message, the batch is marked and the sweep enqueues it.
        """
        wanted = WantedBatch(session_id, batch_index, urgency)
        # Not on_thread: a broker that hangs must not block the threads of the database calls.
        enqueued = await anyio.to_thread.run_sync(
            partial(enqueue_wanted, [wanted], marks=self.batches, threads=self.messages, enqueue=self.enqueue)
        )
        if not enqueued:
            self.metrics.messages_not_enqueued.inc()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request of one user, under /exams or /practice."""

    context: AppContext
    kind: SessionKind
    user_id: UUID
    traceparent: str | None = None  #: of the call's span, when it is traced

    async def session(self, session_id: UUID) -> SessionView:
        """The whole session. Raises SessionMissing, also for another user's session or one of the other kind."""
        return await self.adopting(
            session_id, self.context.sessions.view, session_id, self.kind, self.user_id
        )

    async def session_status(self, session_id: UUID, batch_index: int | None = None) -> SessionStatus:
        """The status of the session and of one batch, without the questions. Raises SessionMissing as `session` does."""
        return await self.adopting(
            session_id,
            self.context.sessions.session_status,
            *(session_id, self.kind, self.user_id),
            batch_index=batch_index,
        )

    async def adopting(self, session_id: UUID, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a store's method; a session of the user's that the web app's own generator began is adopted first.

        Raises what the method does, and NotAdopted with the reason.
        """
        context = self.context
        try:
            return await context.on_thread(work, *args, **kwargs)
        except SessionMissing:
            if not await context.on_thread(context.sessions.adopt, session_id, self.kind, self.user_id):
                raise
            log.info("session_adopted", session_id=str(session_id), kind=self.kind.value)
            return await context.on_thread(work, *args, **kwargs)


async def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


async def _call(request: Request) -> RequestContext:
    state = request.state
    return RequestContext(request.app.state.context, state.kind, state.user_id, state.traceparent)


Context = Annotated[AppContext, Depends(_context)]
Caller = Annotated[RequestContext, Depends(_call)]
