"""The answer check: a solver answers each question without its key, and the two answers are compared.

It runs only for a batch that no student waits for, after its questions are committed and before it is
published. It may replace a question but removes none: if the check fails, the batch is published as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from generation.call import COMPLETE, Call, RunContext
from generation.model import CHOICES_PER_QUESTION, Question, Slot, Urgency
from generation.ports import Fallback, ProviderClient
from generation.prompts.solving import build_solver_prompt
from generation.run_events import BatchChecked
from generation.verdicts import Purpose, Verdict

#: The outcome of a check while no solver is available, because its circuit breaker is open.
NO_SOLVER = "no_solver"


class AnswerCheck:
    """The solver's part of one run. It asks about each question at most once in a run, so that the run ends."""

    def __init__(self, context: RunContext, providers: Fallback) -> None:
        self._context = context
        self._providers = providers
        self._asked_about: set[str] = set()  # fingerprints

    def disputed(self) -> tuple[Slot, ...]:
        """Check the batch's questions in one call; return the slots whose questions are to be written again.

        Raises what the store raises; a failure of the solver is only reported.
        """
        context = self._context
        may_wait = context.claim.urgency is Urgency.PREFETCH and context.stop.asked is None
        if not (may_wait and self._providers.has_solver):
            return ()
        questions = self._not_asked_about()
        if not questions:
            return ()
        solver = self._providers.pick_solver()
        if solver is None:
            self._report(NO_SOLVER, questions, {}, ())
            return ()
        outcome, verdicts = self._ask(solver, questions)
        replaceable = context.store.settle_verdicts(context.claim, verdicts) if verdicts else ()
        self._report(outcome, questions, verdicts, replaceable)
        return replaceable

    def _not_asked_about(self) -> Sequence[Question]:
        unchecked = self._context.store.unchecked(self._context.claim)
        questions = [question for question in unchecked if question.fingerprint not in self._asked_about]
        self._asked_about.update(question.fingerprint for question in questions)
        # What is not proved comes first: a reply that ends early leaves out what needs it least.
        return sorted(questions, key=lambda question: question.is_proved)

    def _ask(self, solver: ProviderClient, questions: Sequence[Question]) -> tuple[str, dict[str, Verdict]]:
        """The outcome of the call, and the verdicts, which only a complete reply gives."""
        call = Call(self._context, solver, asked=len(questions), purpose=Purpose.SOLVE)
        answers = Answers()
        try:
            call.make(build_solver_prompt(questions), take=answers.take, drop=lambda _reason: None)
        except Exception as err:  # noqa: BLE001  a failed check must not end the run; the next write meets a failing store
            return type(err).__name__, {}
        if call.ended or call.error is not None:
            self._providers.report_solver(call.error)
        return call.outcome, answers.verdicts(questions) if call.ended else {}

    def _report(
        self,
        outcome: str,
        questions: Sequence[Question],
        verdicts: Mapping[str, Verdict],
        replaceable: Sequence[Slot],
    ) -> None:
        given = list(verdicts.values())
        silent = len(questions) - len(given)
        claim = self._context.claim
        self._context.observer.notice(
            BatchChecked(
                claim.session_id,
                claim.batch.index,
                outcome,
                agreed=given.count(Verdict.AGREED),
                disputed=given.count(Verdict.DISPUTED),
                unsure=silent if outcome == COMPLETE else 0,
                skipped=silent if outcome != COMPLETE else 0,
                replaceable=len(replaceable),
            )
        )


class Answers:
    """The solver's answers: the index of a choice, or None where the solver says that no single choice is right.

    Ignored are objects without a valid slot or answer, and slots with two different answers.
    """

    def __init__(self) -> None:
        self._given: dict[int, set[int | None]] = {}

    def take(self, raw: Mapping[str, Any]) -> None:
        """Take one object of the reply. Never raises for what a model wrote."""
        position, answer = raw.get("slot"), raw.get("a", _NOTHING)
        if _is_index(position) and (answer is None or (_is_index(answer) and answer < CHOICES_PER_QUESTION)):
            self._given.setdefault(position, set()).add(answer)

    def verdicts(self, questions: Sequence[Question]) -> dict[str, Verdict]:
        """The verdicts by fingerprint, without the questions that have not exactly one answer."""
        found = {}
        for question in questions:
            given = self._given.get(question.slot.position, set())
            if len(given) == 1:
                agrees = given == {question.answer_index}
                found[question.fingerprint] = Verdict.AGREED if agrees else Verdict.DISPUTED
        return found


_NOTHING = object()


def _is_index(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
