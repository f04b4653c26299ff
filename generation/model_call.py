"""The values of one model call: its prompt, its stream, its usage, and its row in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from generation.verdicts import Purpose


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call as the provider counts them. `input`: those after the last cache breakpoint."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def cache_written(self) -> int:
        return self.cache_write_5m + self.cache_write_1h


class UsageSource(StrEnum):
    """How the tokens of a model call are known, the most certain first."""

    REPORTED = "reported"  #: the provider reported all of them when the reply ended
    FREE = "free"  #: the provider answered with an error, which costs nothing
    COUNTED = "counted"  #: the output was not reported; the model's tokenizer counted what was received
    ESTIMATED = "estimated"  #: part of them could not be counted, or the model's price is not known
    UNKNOWN = "unknown"  #: unknown whether and how far the reply got; its cost is taken as zero


@dataclass(frozen=True, slots=True)
class Billed:
    """The usage of one model call, and how it is known."""

    usage: Usage
    usage_source: UsageSource


@dataclass(frozen=True, slots=True)
class SystemBlock:
    """One part of the shared prefix. `cached` asks for a cache breakpoint after it."""

    text: str
    cached: bool


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text of one model call: stable blocks first, the varying part last."""

    system: tuple[SystemBlock, ...]
    user: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The reply has begun; input and cache counts are final, unless they are an estimate."""

    model: str
    message_id: str
    request_id: str | None
    usage: Usage
    cache_miss_reason: str | None = None
    prompt_is_reported: bool = True  #: False: input and cache counts are estimated from what was sent
    price_is_known: bool = True  #: False: the model's cost is taken from the dearest known prices


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The provider has completed the reply; the stop reason is always known."""

    stop_reason: str
    usage: Usage
    prompt_is_reported: bool = True  #: False: input and cache counts are estimated from what was sent
    output_is_reported: bool = True  #: False: the output count is what was reported last, if anything
    cache_miss_reason: str | None = None  #: by the final usage, which may correct the one of the beginning


StreamEvent = StreamStarted | TextDelta | StreamEnded


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One model call for the ledger, also when it failed or was stopped."""

    id: UUID
    session_id: UUID
    batch_index: int
    epoch: int
    provider: str
    model: str
    asked: int  #: slots asked for, or questions asked about
    purpose: Purpose = Purpose.WRITE
    outcome: str = "open"  #: "complete", or the code of what ended it; "open" while it runs
    accepted: int = 0
    rejected: int = 0
    repeats: int = 0  #: of the rejected: questions that the student had before
    usage: Usage = field(default_factory=Usage)
    usage_source: UsageSource = UsageSource.UNKNOWN
    cost_microdollars: Decimal = Decimal(0)  #: exact: one token may cost less than a micro-dollar
    first_token_ms: int | None = None
    duration_ms: int | None = None
    stop_reason: str | None = None
    request_id: str | None = None
    message_id: str | None = None
    cache_miss_reason: str | None = None
