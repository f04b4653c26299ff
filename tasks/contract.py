"""The contract of the queue: task names, queue names, and the fields of a message.

Every producer keeps to it, ours and others. Messages carry only ids and small numbers; everything else that a
batch needs is in Postgres. A message with an unknown field is rejected with a sentence.
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
CHECK_BATCH = "generation.check_batch"

#: One queue per urgency, so that a batch that a student waits for is never behind a prefetched one.
QUEUES: dict[Urgency, str] = {Urgency.INTERACTIVE: "interactive", Urgency.PREFETCH: "prefetch"}

#: Characters of an unknown field's name in our log.
_LONGEST_NAME = 60
#: Problems that one sentence names.
_MOST_PROBLEMS = 5
_UUID_CHARS = 36


class PayloadRefused(ValueError):
    """A message whose fields do not fit its task. The text names the fields, never their values."""


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    @classmethod
    def of(cls, kwargs: Mapping[str, Any]) -> Self:
        """The checked fields of a message. Raises PayloadRefused with a sentence for the producer."""
        try:
            return cls.model_validate(kwargs)
        except ValidationError as err:
            found = err.errors()[:_MOST_PROBLEMS]
            problems = "; ".join(_problem(problem["loc"], problem["msg"]) for problem in found)
            sentence = (
                f"The message is rejected: {problems}. It takes {' and '.join(cls.model_fields)}; "
                "docs/queue-messages.md shows a whole one."
            )
            log.warning("message_refused", reason=sentence)  # the text of an exception is not logged
            raise PayloadRefused(sentence) from None


def _problem(place: tuple[int | str, ...], said: str) -> str:
    name = ".".join(str(part) for part in place)[:_LONGEST_NAME]
    return f"`{name}`: {said[:1].lower()}{said[1:]}"


def _canonical(value: Any) -> UUID:
    """An id as Postgres writes it, so that logs and locks have one text for each session."""
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
    """The fields of generation.generate_batch."""

    session_id: SessionId
    batch_index: Annotated[int, Field(ge=0, le=1000)]


class ProgressPayload(Payload):
    """The fields of generation.prefetch: the student has reached `position`, 0-based in the session."""

    session_id: SessionId
    position: Annotated[int, Field(ge=0, le=10_000)]
