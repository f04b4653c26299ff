"""The interfaces that the use case needs: provider clients, the store, the ledger and the observer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from generation.cancellation import CancellationSignal
from generation.errors import ProviderError
from generation.model import Claim, Question, Slot, Urgency
from generation.model_call import AttemptRecord, Billed, Prompt, StreamEvent, StreamStarted, Usage
from generation.run_events import RunEvent
from generation.verdicts import Finding


class ProviderClient(Protocol):
    """A model API that writes questions."""

    @property
    def name(self) -> str:
        """Stable and short: "claude", "openrouter"."""

    @property
    def model(self) -> str:
        """The requested model."""

    def stream(
        self,
        prompt: Prompt,
        stop: CancellationSignal,
        *,
        urgency: Urgency,
        before_sending: Callable[[], None],
    ) -> AbstractContextManager[Iterator[StreamEvent]]:
        """One HTTP stream without hidden retries: entering the block waits for the rate limiter, then sends.

        The wait is bounded, and shorter for a prefetch. ProviderThrottled means that the wait would be too long,
        CircuitOpen that the circuit breaker opened meanwhile; in both cases nothing was sent. `before_sending`
        is called before the request is sent, and what it raises ends the call. The iterator yields
        StreamStarted, TextDeltas, then StreamEnded; when `stop` is set it ends without StreamEnded. Leaving the
        block closes the connection. Entering the block and the iterator raise ProviderError and no other error
        of their own.
        """

    def settle(self, started: StreamStarted, text: str) -> Billed:
        """The usage of a reply that began and broke off after `text`, as exactly as can be determined.

        Never raises, and takes a few seconds at most. Generated tokens that we never received stay unknown.
        """

    def cost_microdollars(self, model: str, usage: Usage) -> Decimal:
        """The exact cost of a call at list prices, for the model that answered."""


@dataclass(frozen=True, slots=True)
class LightWriter:
    """A cheaper model of a provider, and the slots that it writes."""

    client: ProviderClient
    writes: Callable[[Slot], bool]


class Fallback(Protocol):
    """The provider clients in order of preference, with the state of their circuit breakers."""

    def pick(self, excluded: frozenset[str]) -> ProviderClient | None:
        """The first provider that may be called now, or None. `excluded`: names of providers to skip."""

    def report(self, provider: str, error: ProviderError | None) -> None:
        """Report the result of a call to `provider`; None means success."""

    def pick_light(self, provider: str) -> LightWriter | None:
        """The light writer beside `provider`, or None: none is configured, or its circuit breaker is open."""

    def report_light(self, error: ProviderError | None) -> None:
        """Report the result of a light writer's call; None means success. It does not affect its provider."""

    @property
    def has_solver(self) -> bool:
        """Whether a solver is configured for the answer check."""

    def pick_solver(self) -> ProviderClient | None:
        """The solver to call now, or None: none is configured, or its circuit breaker is open."""

    def report_solver(self, error: ProviderError | None) -> None:
        """Report the result of a solver's call; None means success. It does not affect the writing providers."""


class VerdictStore(Protocol):
    """Tells which questions to check, and stores what was found. Every method is one short transaction."""

    def unchecked(self, claim: Claim) -> tuple[Question, ...]:
        """The batch's committed questions without a verdict, written by any run, by position.

        In a run: empty once a student has asked for the batch or is at the question before it, because it must
        not be delayed.
        """

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        """Store the findings, by fingerprint; return the slots whose questions may be written again.

        A disputed question stays, with its verdict, until `accept` replaces it: REWRITES_PER_SLOT times a slot,
        within the batch's `rewrites_allowed`, and only while no student has asked for the batch or reached it.
        A slot that was written again before is returned with another subtopic and angle. May be repeated.
        Raises FenceLost.
        """


class RunStore(VerdictStore, Protocol):
    """Stores accepted questions. Every method is one short transaction."""

    def accept(self, claim: Claim, question: Question, attempt_id: UUID, provider: str) -> None:
        """Commit the question and its event, and fill its slot.

        In a filled slot it replaces a disputed question, and no other. Raises FenceLost when another run owns the
        batch, and QuestionRepeated when the session has the question already.
        """

    def replace_slots(self, claim: Claim, slots: Sequence[Slot]) -> None:
        """Store other slots in the place of these open ones, by position. May be repeated. Raises FenceLost."""

    def finish(self, claim: Claim) -> None:
        """Mark the batch ready, and publish every batch that is ready and next in order. Raises FenceLost."""

    def finish_short(self, claim: Claim) -> None:
        """Like `finish` for the session's last batch, without its open slots: the session has fewer questions.

        The last questions of the batch take the places of open slots; no other position changes.
        """


class Ledger(Protocol):
    """What every model call cost. Writes are never fenced: the money is spent, whichever run owns the batch."""

    def open(self, attempt: AttemptRecord) -> None: ...

    def close(self, attempt: AttemptRecord) -> None: ...


class Observer(Protocol):
    def notice(self, event: RunEvent) -> None:
        """Turn the event into metrics and log lines. Never raises."""
