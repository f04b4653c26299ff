"""The app: its parts, its lifespan, and the address of each route."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import anyio
import anyio.to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from api import errors, openapi
from api.auth import Authenticator
from api.context import AppContext
from api.metrics import ApiMetrics
from api.middleware.allowed_origins import AllowedOrigins
from api.middleware.body_limit import BodyLimit
from api.middleware.request_log import RequestLog
from api.notifications import Notifier
from api.open_streams import OpenStreams
from api.ops import routes as ops
from api.ops.access import TokenNeeded
from api.rate_limits import Limits, Unlimited
from api.routes import batches, creating, demo, events, health, pages, progress, reports, sessions
from api.signing_keys import make_signing_keys
from api.single_flight import SingleFlight
from api.waiting_calls import Uncounted, WaitingCalls
from db.batches import BatchStore
from db.events import EventLog
from db.operator_dashboard import OperatorDashboard
from db.queue_stats import QueueStats
from db.reports import ReportStore
from db.sessions import SessionStore
from generation.figure_plan import WEB_APP_FIGURES, FigureChoice
from generation.model import SessionKind
from runtime.api_settings import ApiSettings
from runtime.settings import PlanSettings
from runtime.tracing import Tracing
from tasks.enqueue import Enqueue

#: How many messages may be enqueued at once. A broker that hangs blocks at most this many threads.
ENQUEUE_THREADS = 8

#: The headers that a page on another origin may send and read, in addition to the usual ones.
_CORS_REQUEST = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "Prefer",
    "Traceparent",
    "X-Request-Id",
    "X-User-Id",
)
_CORS_RESPONSE = ("Location", "Preference-Applied", "Retry-After", "X-Request-Id")

#: The error codes of every call for a user.
_ANYWHERE = ("unauthorized", "forbidden_origin", "too_many_requests", "internal_error")

#: The framework's own telemetry can quote an exception or an address; our spans do not.
_NO_FRAMEWORK_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)

Listen = Callable[[Callable[[UUID], None]], contextlib.AbstractContextManager[object]]


def create_app(
    settings: ApiSettings,
    plan: PlanSettings,
    *,
    session_store: SessionStore,
    batch_store: BatchStore,
    event_log: EventLog,
    report_store: ReportStore,
    enqueue: Enqueue,
    queue_stats: Callable[[], QueueStats],
    database_threads: int,
    figures: FigureChoice = WEB_APP_FIGURES,
    listen: Listen | None = None,
    limits: Limits | None = None,
    waiting_calls: WaitingCalls | None = None,
    tracing: Tracing | None = None,
    dashboard: OperatorDashboard | None = None,
) -> FastAPI:
    """The app over these stores. Nothing runs until its lifespan starts.

    `database_threads`: how many store calls may run at once; at most the connections of the pool.
    `figures`: those that plans of new sessions may ask for.
    `listen`: within its block, calls back with the id of each session that has a new event, on any thread. Without
    it only polling wakes readers.
    `dashboard`: what the operators' page reads; without it there is none.
    """
    threads = anyio.CapacityLimiter(database_threads)
    metrics = ApiMetrics()

    async def changed(seen: Mapping[UUID, int]) -> Mapping[UUID, int]:
        return await anyio.to_thread.run_sync(event_log.changed, seen, limiter=threads)

    return _assembled(
        AppContext(
            settings=settings,
            plan=plan,
            figures=figures,
            sessions=session_store,
            batches=batch_store,
            events=event_log,
            reports=report_store,
            enqueue=enqueue,
            authenticator=Authenticator(settings, make_signing_keys(settings, metrics)),
            notifier=Notifier(changed, poll_s=settings.api_poll_s),
            single_flight=SingleFlight(),
            streams=OpenStreams(settings.api_streams_per_user, metrics),
            metrics=metrics,
            tracing=tracing or Tracing(),
            threads=threads,
            messages=ThreadPoolExecutor(ENQUEUE_THREADS, thread_name_prefix="message"),
            queue_stats=queue_stats,
            limits=limits or Unlimited(),
            waiting_calls=waiting_calls or Uncounted(),
            dashboard=dashboard,
        ),
        listen or _no_listener,
    )


def _assembled(context: AppContext, listen: Listen) -> FastAPI:
    app = FastAPI(
        title="Tafawoq generation",
        version="1",
        summary="Qudurat exams and practice sessions whose questions are written in the background.",
        openapi_url=None,  # routes/pages.py serves it, with its route in the log, and a reference without scripts
        redirect_slashes=False,
        telemetry=_NO_FRAMEWORK_TELEMETRY,
        generate_unique_id_function=openapi.operation_id,
        lifespan=_lifespan(context, listen),
    )
    app.state.context = context
    _add_middleware(app, context)
    errors.install(app)
    app.add_exception_handler(TokenNeeded, ops.ask_for_token)
    app.include_router(health.router)
    app.include_router(pages.router)
    if context.settings.serves_demo:
        app.include_router(demo.router)
    app.include_router(ops.router)
    for kind, prefix in openapi.PREFIXES.items():
        shared = (sessions.router, batches.router, progress.router, reports.router, events.router)
        routers = (creating.ROUTERS[kind], *shared)
        for router in routers:
            app.include_router(
                router,
                prefix=prefix,
                tags=[kind.value],
                dependencies=[Depends(_of(kind))],
                responses=errors.documented(*_ANYWHERE),
            )
    openapi.describe(app)
    return app


def _add_middleware(app: FastAPI, context: AppContext) -> None:
    """The middleware, innermost first."""
    settings = context.settings
    app.add_middleware(BodyLimit, max_s=settings.api_body_timeout_s)
    if not settings.has_auth:
        app.add_middleware(
            AllowedOrigins, origins=settings.api_cors_origins, hosts=settings.api_trusted_hosts
        )
    app.add_middleware(RequestLog, metrics=context.metrics, tracing=context.tracing)
    if settings.api_cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.api_cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=_CORS_REQUEST,
            expose_headers=_CORS_RESPONSE,
        )


def _lifespan(
    context: AppContext, listen: Listen
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        polling = asyncio.create_task(context.notifier.run())
        refreshing = asyncio.create_task(context.authenticator.refresh_keys())
        try:
            with listen(context.notifier.wake_from_thread):
                yield
        finally:
            context.notifier.close()
            polling.cancel()
            refreshing.cancel()
            await context.limits.close()
            await context.waiting_calls.close()
            context.messages.shutdown(wait=False, cancel_futures=True)

    return lifespan


def _of(kind: SessionKind) -> Callable[[Request], Awaitable[None]]:
    """Stores in the request under which of the two prefixes a shared route was called."""

    async def set_kind(request: Request) -> None:
        request.state.kind = kind

    return set_kind


@contextlib.contextmanager
def _no_listener(_wake: Callable[[UUID], None]) -> Iterator[None]:
    yield
