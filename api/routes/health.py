"""Whether the process lives, whether it can serve, and what it has counted."""

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

#: Whoever scrapes does not wait longer; the other metrics must reach him also when Postgres hangs.
STATS_TIMEOUT_S = 3.0

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def alive() -> Health:
    """The process runs and its loop turns."""
    return Health()


@router.get("/readyz", responses=documented("service_unavailable"))
async def ready(context: Context) -> Health:
    """Postgres answers. Without Redis the API still serves: the sweep enqueues later."""
    await context.on_thread(context.events.ping)
    return Health()


@router.get("/metrics", response_class=Response)
async def metrics(context: Context) -> Response:
    """Counters in the Prometheus text format, and the levels of the queue as they are now."""
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
