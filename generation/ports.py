"""What the use case needs from the outside, and nothing more: who writes, who keeps, who watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from generation.cancellation import CancellationSignal
from generation.errors import ProviderError
from generation.model import (
    AttemptRecord,
    Billed,
    Claim,
    Prompt,
    Question,
    Slot,
    StreamEvent,
    StreamStarted,
    Urgency,
    Usage,
)
from generation.run_events import RunEvent
from generation.verdicts import Verdict


class ProviderClient(Protocol):
    """A model API that writes questions."""

    @property
    def name(self) -> str:
        """Stable and short: "claude", "openrouter"."""

    @property
    def model(self) -> str:
        """The model that will be asked."""

    def stream(
        self,
        prompt: Prompt,
        stop: CancellationSignal,
        *,
        urgency: Urgency,
        before_sending: Callable[[], None],
    ) -> AbstractContextManager[Iterator[StreamEvent]]:
        """One HTTP stream, no hidden retry: entering the block waits for its turn, then sends the request.

        Waiting is bounded, and shorter for a prefetch; ProviderThrottled says that the turn would come too
        late, ProviderResting that the source was found unwell meanwhile. Neither has sent anything; before
        anything is sent `before_sending` is called, and what it raises ends the call. The iterator yields
        StreamStarted, TextDeltas, then StreamEnded. Leaving the block closes the connection. When `stop` is
        set the iterator ends without StreamEnded. Raises ProviderError, from entering the block or from the
        iterator; nothing else of its own.
        """

    def settle(self, started: StreamStarted, text: str) -> Billed:
        """What a reply that began and broke off after `text` has used, as exactly as can be found out.

        Never raises, and takes seconds at most. Tokens that were written but never reached us are unknowable.
        """

    def cost_microdollars(self, model: str, usage: Usage) -> Decimal:
        """What a call cost at list prices, by the model that answered. Exact."""


class Fallback(Protocol):
    """The sources in order of preference, and what is known of their health."""

    def pick(self, excluded: frozenset[str]) -> ProviderClient | None:
        """The best source that may be asked now, or None. `excluded` names sources this run has given up."""

    def report(self, provider: str, error: ProviderError | None) -> None:
        """Tell how a call to `provider` went; None means well."""

    @property
    def has_solver(self) -> bool:
        """Whether anybody is ever asked for a answer check."""

    def pick_solver(self) -> ProviderClient | None:
        """Whom to ask for a answer check now, or None: nobody is to be asked, or nobody is well."""

    def report_solver(self, error: ProviderError | None) -> None:
        """Tell how a call to the solver went; None means well. It says nothing about who writes."""


class RunStore(Protocol):
    """Where accepted questions are kept. Every method is one short transaction."""

    def accept(self, claim: Claim, question: Question, attempt_id: UUID, provider: str) -> None:
        """Commit the question and its event, and close its slot.

        In a slot that is filled it takes the place of a disputed question, and of no other. Raises FenceLost
        when another run owns the batch, QuestionRepeated when the session has it already.
        """

    def unchecked(self, claim: Claim) -> tuple[Question, ...]:
        """The committed questions of the batch that have no verdict, whichever run wrote them, by position.

        None once a student has asked for the batch, or is at the question before it: it is not to be held up.
        """

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Verdict]) -> tuple[Slot, ...]:
        """Keep the verdicts, by the questions' fingerprints; return the slots whose questions may be written again.

        A disputed question stays, with its verdict, until `accept` puts another in its place: once a slot, and
        only while no student has asked for the batch or come to it. May be repeated. Raises FenceLost.
        """

    def finish(self, claim: Claim) -> None:
        """Mark the batch ready and publish what is ready in order. Raises FenceLost."""


class Ledger(Protocol):
    """What every model call cost. Writes are never fenced: money was spent whoever owns the batch."""

    def open(self, attempt: AttemptRecord) -> None: ...

    def close(self, attempt: AttemptRecord) -> None: ...


class Observer(Protocol):
    def notice(self, event: RunEvent) -> None:
        """Turn a fact into metrics and log lines. Never raises."""
