"""The queue's vocabulary: task names, queue names, and what a message may carry.

Every producer, ours or a foreign one, speaks this. Messages carry ids and small numbers only; what a
batch needs is in Postgres. An unknown field is refused with a sentence, not ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Self
from uuid import UUID

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from generation.model import Urgency

log = structlog.get_logger(__name__)

GENERATE_BATCH = "generation.generate_batch"
PREFETCH = "generation.prefetch"
SWEEP = "generation.sweep"

#: Queues by urgency, so that a batch somebody waits for never stands behind one for later.
QUEUES: dict[Urgency, str] = {Urgency.INTERACTIVE: "interactive", Urgency.PREFETCH: "prefetch"}

#: Of a foreign field, in our log.
_LONGEST_NAME = 60
_UUID_CHARS = 36


class PayloadRefused(ValueError):
    """A message with fields that its task does not take; the text names them, never their values."""


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    @classmethod
    def of(cls, kwargs: Mapping[str, Any]) -> Self:
        """What the message says. Raises PayloadRefused with a sentence for whoever sent it."""
        try:
            return cls.model_validate(kwargs)
        except ValidationError as err:
            problems = "; ".join(_problem(problem["loc"], problem["msg"]) for problem in err.errors())
            sentence = (
                f"The message is refused: {problems}. It takes {' and '.join(cls.model_fields)}; "
                "docs/queue-messages.md shows a whole one."
            )
            log.warning("message_refused", reason=sentence)  # the text of an exception is not logged
            raise PayloadRefused(sentence) from None


def _problem(place: tuple[int | str, ...], said: str) -> str:
    name = ".".join(str(part) for part in place)[:_LONGEST_NAME]
    return f"`{name}`: {said[:1].lower()}{said[1:]}"


def _canonical(value: Any) -> UUID:
    """An id as Postgres writes it: one text for one session, in logs and in locks."""
    if isinstance(value, UUID):
        return value
    if isinstance(value, str) and len(value) == _UUID_CHARS:
        with suppress(ValueError):
            found = UUID(value)
            if str(found) == value:
                return found
    raise PydanticCustomError(
        "session_id", "Must be a uuid as text, like 01234567-89ab-cdef-0123-456789abcdef"
    )


SessionId = Annotated[UUID, BeforeValidator(_canonical)]


class BatchPayload(Payload):
    """Enqueue one batch."""

    session_id: SessionId
    batch_index: Annotated[int, Field(ge=0, le=1000)]


class ProgressPayload(Payload):
    """The student has reached `position`, 0-based in the whole session."""

    session_id: SessionId
    position: Annotated[int, Field(ge=0, le=10_000)]
