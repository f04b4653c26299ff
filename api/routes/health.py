"""Whether the process lives, whether it can serve, and what it has counted."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from api.door import TheDoor
from api.errors import documented

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
    await door.call(door.events.latest, [])
    return Health()


@router.get("/metrics", response_class=Response)
async def metrics(door: TheDoor) -> Response:
    """Counters in the Prometheus text format."""
    return Response(door.metrics.page(), media_type=CONTENT_TYPE_LATEST)
