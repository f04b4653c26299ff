"""The task of an answer check: it checks a published batch. The sweep enqueues it."""

from __future__ import annotations

from typing import Any

from tasks.contract import CHECK_BATCH, BatchPayload
from worker.app import app
from worker.assembly import current
from worker.checker import check_published


@app.task(name=CHECK_BATCH)
def check_batch(**kwargs: Any) -> dict[str, Any]:
    """Check the answers of a published batch. Running it again checks only what has no verdict."""
    message = BatchPayload.of(kwargs)
    return {"outcome": check_published(current(), message.session_id, message.batch_index)}
