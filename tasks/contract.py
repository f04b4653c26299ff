"""The queue's vocabulary: task names, queue names, and what a message may carry.

Every producer, ours or a foreign one, speaks this. Messages carry ids and small numbers only; what a
batch needs is in Postgres. An unknown field is refused with a sentence, not ignored.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from generation.model import Urgency

GENERATE_BATCH = "generation.generate_batch"
PREFETCH = "generation.prefetch"
SWEEP = "generation.sweep"

#: Queues by urgency, so that a batch somebody waits for never stands behind one for later.
QUEUES: dict[Urgency, str] = {Urgency.INTERACTIVE: "interactive", Urgency.PREFETCH: "prefetch"}
SWEEP_QUEUE = "sweep"


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BatchPayload(Payload):
    """Ring for one batch. `urgency` matters only when the batch is not yet wanted."""

    session_id: UUID
    batch_index: Annotated[int, Field(ge=0, le=1000)]


class ProgressPayload(Payload):
    """The student has reached `position`, 0-based in the whole session."""

    session_id: UUID
    position: Annotated[int, Field(ge=0, le=10_000)]
