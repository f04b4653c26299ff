"""What the routes work with: the stores, the message, the notifier, and threads for what would block the loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ParamSpec, TypeVar
from uuid import UUID

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from api.auth import Authenticator
from api.errors import ApiError
from api.metrics import ApiMetrics
from api.notifications import Notifier
from api.open_streams import OpenStreams
from api.rate_limits import Kind, Limits
from api.single_flight import SingleFlight
from db.batches import BatchStore
from db.events import EventLog
from db.queue_stats import QueueStats
from db.session_status import SessionStatus
from db.sessions import SessionStore, SessionView
from generation.model import SessionKind, Urgency
from runtime.api_settings import ApiSettings
from runtime.settings import PlanSettings
from runtime.tracing import Tracing
from tasks.enqueue import Enqueue, WantedBatch, enqueue_wanted

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """One per app. `threads` is as wide as the connection pool, so that no thread waits for a connection.

    `messages` has threads of its own, which a broker that hangs may hold; messages that wait for one can be given up.
    """

    settings: ApiSettings
    plan: PlanSettings
    sessions: SessionStore
    batches: BatchStore
    events: EventLog
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

    async def check_rate(self, user_id: UUID, kind: Kind) -> None:
        """Count one call of this user. Raises Refusal `too_many_requests`."""
        wait_s = await self.limits.take(user_id, kind)
        if wait_s > 0:
            raise ApiError("too_many_requests", retry_after_s=wait_s)

    async def on_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a store's method returns, or raises, without the loop waiting for it."""
        return await anyio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=self.threads)

    async def enqueue_batch(self, session_id: UUID, batch_index: int, urgency: Urgency) -> None:
        """Enqueue a batch that is already committed as wanted; no caller waits long for a broker.

        Without one the batch is marked, and the sweep enqueues it as soon as it can.
        """
        wanted = WantedBatch(session_id, batch_index, urgency)
        # Not on_thread: a broker that hangs must not hold the threads that the database answers on.
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
        """All of the user's session. Raises SessionMissing, also for another's or one of the other kind."""
        return await self.context.on_thread(self.context.sessions.view, session_id, self.kind, self.user_id)

    async def session_status(self, session_id: UUID, batch_index: int | None = None) -> SessionStatus:
        """Where it stands, and one of its batches, without loading it. Raises SessionMissing likewise."""
        return await self.context.on_thread(
            self.context.sessions.session_status, session_id, self.kind, self.user_id, batch_index=batch_index
        )


async def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


async def _call(request: Request) -> RequestContext:
    state = request.state
    return RequestContext(request.app.state.context, state.kind, state.user_id, state.traceparent)


Context = Annotated[AppContext, Depends(_context)]
Caller = Annotated[RequestContext, Depends(_call)]
