"""One attempt: one model call for a set of open slots; each question is committed as soon as it is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from generation.call import Call, RunContext
from generation.envelopes import opened
from generation.errors import FenceLost, ProviderError, SessionClosed, StoreRejected
from generation.model import Question
from generation.model_call import Prompt
from generation.ports import ProviderClient
from generation.run_events import QuestionAccepted, QuestionRejected
from generation.schema import slot_number
from generation.validator import Accepted, Validator
from generation.verdicts import Purpose


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of an attempt. A call that was stopped has neither `ended` nor an `error`."""

    committed: tuple[Question, ...]  #: in the order in which they were committed
    first_question_ms: int | None  #: from the start of the run to the first commit
    passages: Mapping[int, str]  #: all known after the call, by group
    ended: bool  #: the reply is complete
    error: ProviderError | None  #: why the reply broke off, or why no request was sent
    fatal: Exception | None  #: what ends the whole run: a lost fence, a failing store, or a defect
    outcome: str  #: as in the ledger
    cost_microdollars: Decimal
    wrote_cache: bool  #: the prefix was in no cache
    rejections: tuple[str, ...]  #: why its objects were not accepted

    @property
    def is_empty(self) -> bool:
        """Whether a complete reply held no object at all."""
        return self.ended and not self.committed and not self.rejections


def make_attempt(
    context: RunContext, provider: ProviderClient, prompt: Prompt, validator: Validator
) -> AttemptResult:
    """Call `provider` once and commit every acceptable question of its reply as soon as it is complete.

    Never raises: errors are part of the result, beside the questions committed before them.
    """
    return _Attempt(context, provider, validator).make(prompt)


class _Attempt:
    def __init__(self, context: RunContext, provider: ProviderClient, validator: Validator) -> None:
        self._context = context
        self._provider = provider
        self._validator = validator
        #: By the reply so far; none once its names may be places.
        self._unnamed = [slot.position for slot in validator.open_slots]
        self._call = Call(context, provider, asked=len(self._unnamed), purpose=Purpose.WRITE)
        self._committed: list[Question] = []
        self._rejections: list[str] = []
        self._first_question_ms: int | None = None

    def make(self, prompt: Prompt) -> AttemptResult:
        fatal: Exception | None = None
        try:
            self._call.make(prompt, take=self._judge, drop=self._drop)
        except Exception as err:  # noqa: BLE001  the run raises it when its other lanes have ended
            fatal = err
        return AttemptResult(
            tuple(self._committed),
            self._first_question_ms,
            self._validator.passages,
            ended=self._call.ended,
            error=self._call.error,
            fatal=fatal,
            outcome=self._call.outcome,
            cost_microdollars=self._call.cost_microdollars,
            wrote_cache=self._call.wrote_cache,
            rejections=tuple(self._rejections),
        )

    def _judge(self, found: Mapping[str, Any]) -> None:
        for raw in opened(found, asked=self._unnamed):
            self._note_slot(raw)
            verdict = self._validator.judge(raw)
            if isinstance(verdict, Accepted):
                self._commit(verdict)
            else:
                self._reject(verdict.position, verdict.reason)

    def _note_slot(self, raw: Mapping[str, Any]) -> None:
        """Names that were no slots may count the questions of the reply: then no later name is taken for a slot."""
        named = slot_number(raw.get("slot"))
        if named is not None:
            self._unnamed = [slot for slot in self._unnamed if slot != named]
        elif any(isinstance(value, Mapping) for value in raw.values()):
            self._unnamed = []

    def _drop(self, reason: str) -> None:
        self._unnamed = []
        self._reject(None, f"{reason}_object")

    def _commit(self, accepted: Accepted) -> None:
        claim, question = self._context.claim, accepted.question
        try:
            self._context.store.accept(claim, question, self._call.id, self._provider.name)
        except (FenceLost, SessionClosed):
            raise
        except StoreRejected as err:
            # Another batch of this session, written at the same time, committed the same question first,
            # or Postgres cannot store the text. The slot stays open.
            self._reject(question.slot.position, err.code)
            return
        self._call.accepted += 1
        self._committed.append(question)
        since_run_start_ms = round((self._context.clock() - self._context.started_at) * 1000)
        if self._first_question_ms is None:
            self._first_question_ms = since_run_start_ms
        self._context.observer.notice(
            QuestionAccepted(
                claim.session_id,
                claim.batch.index,
                question.slot.position,
                question.slot.question_type,
                self._provider.name,
                since_run_start_ms,
                accepted.noted,
            )
        )

    def _reject(self, position: int | None, reason: str) -> None:
        self._call.rejected += 1
        self._call.repeats += "repeated" in reason
        self._rejections.append(reason)
        claim = self._context.claim
        self._context.observer.notice(
            QuestionRejected(claim.session_id, claim.batch.index, position, reason, self._provider.name)
        )
