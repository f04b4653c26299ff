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

from api.door import TheDoor
from api.errors import documented
from db.errors import DatabaseUnreachable
from db.levels import Levels

log = structlog.get_logger(__name__)

#: Whoever scrapes does not wait longer; the other metrics must reach him also when Postgres hangs.
LEVELS_PATIENCE_S = 3.0

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def alive() -> Health:
    """The process runs and its loop turns."""
    return Health()


@router.get("/readyz", responses=documented("service_unavailable"))
async def ready(door: TheDoor) -> Health:
    """Postgres answers. Without Redis the door still serves: the sweep rings later."""
    await door.on_thread(door.events.ping)
    return Health()


@router.get("/metrics", response_class=Response)
async def metrics(door: TheDoor) -> Response:
    """Counters in the Prometheus text format, and the levels of the queue as they are now."""
    levels: Levels | None = None
    try:
        with anyio.fail_after(LEVELS_PATIENCE_S):
            levels, _ = await door.single_flight.share("levels", partial(door.on_thread, door.levels))
    except (TimeoutError, DatabaseUnreachable, SQLAlchemyError) as err:
        log.warning("levels_unknown", error=type(err).__name__)
    door.metrics.show(levels)
    return Response(door.metrics.page(), media_type=CONTENT_TYPE_LATEST)
