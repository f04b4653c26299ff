"""A batch written outside of any session: nothing is stored, every call is kept, and a cap of money holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

from generation.budget import CACHES, Budget
from generation.cancellation import CancellationSignal
from generation.model import Batch, Claim, EarlierQuestion, Plan, Question, SessionKind, Slot, Track, Urgency
from generation.model_call import AttemptRecord
from generation.ports import ProviderClient
from generation.prompts.blocks import system_blocks
from generation.rules.table import TextRule
from generation.run_batch import RunLimits, RunResult, run_batch
from generation.run_events import AttemptEnded, QuestionAccepted, QuestionRejected, RunEvent
from generation.verdicts import Finding, Purpose, Verdict
from providers.fallback import OrderedFallback

#: How often a trial asks for what is open.
_ROUNDS: Final = 4


@dataclass
class Trial:
    """What came of a trial. Implements RunStore, Ledger and Observer in memory."""

    questions: dict[int, Question] = field(default_factory=dict)  #: by position
    verdicts: dict[str, Verdict] = field(default_factory=dict)  #: of the answer check, by fingerprint
    calls: list[AttemptRecord] = field(default_factory=list)  #: in the order in which they ended
    reasons: list[str] = field(default_factory=list)  #: why objects were rejected
    noted: list[TextRule] = field(default_factory=list)  #: rules that accepted questions break
    result: RunResult | None = None

    @property
    def cost_microdollars(self) -> Decimal:
        return sum((call.cost_microdollars for call in self.calls), Decimal(0))

    def written(self) -> list[AttemptRecord]:
        """The calls that wrote, without the solver's."""
        return [call for call in self.calls if call.purpose is Purpose.WRITE]

    def accept(self, _claim: Claim, question: Question, _attempt_id: UUID, _provider: str) -> None:
        self.questions[question.slot.position] = question

    def unchecked(self, _claim: Claim) -> tuple[Question, ...]:
        return tuple(self.questions[position] for position in sorted(self.questions))

    def settle_verdicts(self, _claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        """A trial writes nothing again: what is disputed is what it counts."""
        self.verdicts |= {fingerprint: finding.verdict for fingerprint, finding in given.items()}
        return ()

    def replace_slots(self, claim: Claim, slots: Sequence[Slot]) -> None: ...

    def finish(self, claim: Claim) -> None: ...

    def finish_short(self, claim: Claim) -> None: ...

    def open(self, attempt: AttemptRecord) -> None: ...

    def close(self, attempt: AttemptRecord) -> None: ...

    def notice(self, event: RunEvent) -> None:
        match event:
            case AttemptEnded(attempt):
                self.calls.append(attempt)
            case QuestionRejected(reason=reason):
                self.reasons.append(reason)
            case QuestionAccepted(noted=noted):
                self.noted.extend(noted)


def write_batch(
    providers: OrderedFallback,
    plan: Plan,
    batch: Batch,
    *,
    track: Track,
    urgency: Urgency,
    lanes: int,
    cap_microdollars: Decimal,
    earlier: Sequence[EarlierQuestion] = (),
) -> Trial:
    """Write one batch of the plan; a prefetch has its answers checked. No call is made that could pass the cap, even with the longest reply.

    The solver's call, a few thousand tokens of a cheap model, is not under the cap.
    """
    trial, writer = Trial(), providers.providers[0]
    limits = RunLimits(
        max_rounds=_ROUNDS, lanes=lanes, budget_factor=_factor(writer, batch, lanes, cap_microdollars)
    )
    with ThreadPoolExecutor(lanes, thread_name_prefix="trial") as threads:
        trial.result = run_batch(
            _claim(plan, batch, track, urgency, earlier),
            providers=providers,
            store=trial,
            ledger=trial,
            observer=trial,
            stop=CancellationSignal(),
            limits=limits,
            lanes=threads,
        )
    return trial


def _factor(provider: ProviderClient, batch: Batch, lanes: int, cap_microdollars: Decimal) -> Decimal:
    """The budget's factor with which a batch costs the cap at most; zero when that covers no cold cache.

    A budget holds beyond the calls that fill the caches: all writes that it allows for are taken off, and one more.
    """
    system = system_blocks(batch.section)
    budgets = [Budget(Decimal(factor), batch.size, min(lanes, batch.size)) for factor in (0, 1)]
    cold, once = (budget.microdollars(provider, system) for budget in budgets)
    writes = budgets[0].microdollars(provider, system, cache_writes=lanes)
    return max(Decimal(0), (cap_microdollars - writes - cold / CACHES) / (once - cold))


def _claim(
    plan: Plan, batch: Batch, track: Track, urgency: Urgency, earlier: Sequence[EarlierQuestion]
) -> Claim:
    return Claim(
        session_id=uuid4(),
        kind=SessionKind.EXAM,
        track=track,
        batch=batch,
        seed=plan.seed,
        epoch=1,
        urgency=urgency,
        runs=1,
        failures=0,
        open_slots=plan.slots_of(batch),
        earlier=tuple(earlier),
    )
