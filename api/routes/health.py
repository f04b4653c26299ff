"""Liveness, readiness and metrics of the process."""

from __future__ import annotations

from functools import partial
from typing import Literal

import anyio
import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from api.context import Context
from api.errors import documented
from db.errors import DatabaseUnreachable
from db.queue_stats import QueueStats

log = structlog.get_logger(__name__)

#: A scrape waits no longer for Postgres: when it hangs, the other metrics are still served.
STATS_TIMEOUT_S = 3.0

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@router.head("/healthz", include_in_schema=False)  # as some monitors ask
@router.get("/healthz")
async def alive() -> Health:
    """The process and its event loop run."""
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=documented("service_unavailable"))
async def ready(context: Context) -> Health:
    """Postgres answers, and takes writes of our account.

    Redis is not needed: without it the API still serves, and the sweep enqueues later.
    """
    await context.on_thread(context.events.require_writes)
    return Health()


@router.get("/metrics", response_class=Response)
async def metrics(context: Context) -> Response:
    """All metrics in the Prometheus text format, with the current figures of the queue."""
    queue_stats: QueueStats | None = None
    try:
        with anyio.fail_after(STATS_TIMEOUT_S):
            queue_stats, _ = await context.single_flight.share(
                "queue_stats", partial(context.on_thread, context.queue_stats)
            )
    except (TimeoutError, DatabaseUnreachable, SQLAlchemyError) as err:
        log.warning("queue_stats_unknown", error=type(err).__name__)
    context.metrics.show(queue_stats)
    return Response(context.metrics.page(), media_type=CONTENT_TYPE_LATEST)
