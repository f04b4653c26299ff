"""Another question for the slot of one that a person rejects: written, checked, and only then put in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Engine

from db.replacing import claim_for_replacement
from db.review_queue import Doubtful
from db.reviews import Replacement
from generation.cancellation import CancellationSignal
from generation.deviations import varied
from generation.model import Claim, Question, Slot
from generation.ports import Fallback, Ledger
from generation.run_batch import READY, RunLimits, run_batch
from generation.run_events import RunEvent
from generation.verdicts import REWRITES_PER_SLOT, Finding, Verdict

#: How often one replacement asks a provider for the slot.
_MAX_ROUNDS = 3


def write_replacement(
    found: Doubtful, engine: Engine, providers: Fallback, ledger: Ledger
) -> Replacement | None:
    """Another question for the slot, with the answer check's finding; None when no acceptable one was written.

    The best that there is: what the solver disputes is written again, and what it disputes to the end is returned
    with that finding. Raises SessionMissing and what the stores raise.
    """
    with engine.connect() as connection:
        claim = claim_for_replacement(connection, found.session_id, found.position)
    store = _OneQuestion()
    with ThreadPoolExecutor(1) as lanes:
        result = run_batch(
            claim,
            providers=providers,
            store=store,
            ledger=ledger,
            observer=_Nobody(),
            stop=CancellationSignal(),
            limits=RunLimits(max_rounds=_MAX_ROUNDS, lanes=1),
            lanes=lanes,
        )
    if result.error is not None:
        raise result.error
    return store.replacement() if result.outcome == READY else None


@dataclass
class _OneQuestion:
    """Implements generation.ports.RunStore in memory: nothing is committed before the question was checked."""

    question: Question | None = None
    attempt_id: UUID | None = None
    provider: str = ""
    findings: dict[str, Finding] = field(default_factory=dict)
    disputes: int = 0

    def accept(self, _claim: Claim, question: Question, attempt_id: UUID, provider: str) -> None:
        self.question, self.attempt_id, self.provider = question, attempt_id, provider

    def unchecked(self, _claim: Claim) -> tuple[Question, ...]:
        question = self.question
        return () if question is None or question.fingerprint in self.findings else (question,)

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        self.findings.update(given)
        disputed = any(finding.verdict is Verdict.DISPUTED for finding in given.values())
        if not disputed or self.disputes == REWRITES_PER_SLOT or self.question is None:
            return ()
        self.disputes += 1
        return (varied(self.question.slot, claim.track, seed=claim.seed, times=self.disputes),)

    def replace_slots(self, claim: Claim, slots: Sequence[Slot]) -> None: ...

    def finish(self, claim: Claim) -> None: ...

    def finish_short(self, claim: Claim) -> None: ...

    def replacement(self) -> Replacement | None:
        if self.question is None or self.attempt_id is None:
            return None
        finding = self.findings.get(self.question.fingerprint)
        return Replacement(self.question, self.attempt_id, self.provider, finding)


class _Nobody:
    """Implements generation.ports.Observer."""

    def notice(self, event: RunEvent) -> None: ...
