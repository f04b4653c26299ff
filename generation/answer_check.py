"""The answer check: is our key the answer that somebody finds who does not see it?

Only for a batch that nobody waits for, after its questions are committed and before it is published. It can
make a question better and takes none away: whatever goes wrong with it, the batch is published as it is.
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

#: The outcome of a check while whom we would ask rests.
NO_SOLVER = "no_solver"


class AnswerCheck:
    """The solver's part of one run. No question is asked about twice in a run, so that it comes to an end."""

    def __init__(self, context: RunContext, providers: Fallback) -> None:
        self._context = context
        self._providers = providers
        self._asked_about: set[str] = set()  # fingerprints

    def disputed(self) -> tuple[Slot, ...]:
        """Have the batch's questions checked, in one call; the slots of those that are to be written again.

        Raises what the store raises, and nothing that the solver meets.
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
            self._tell(NO_SOLVER, questions, {}, ())
            return ()
        outcome, verdicts = self._ask(solver, questions)
        replaceable = context.store.settle_verdicts(context.claim, verdicts) if verdicts else ()
        self._tell(outcome, questions, verdicts, replaceable)
        return replaceable

    def _not_asked_about(self) -> Sequence[Question]:
        unchecked = self._context.store.unchecked(self._context.claim)
        questions = [question for question in unchecked if question.fingerprint not in self._asked_about]
        self._asked_about.update(question.fingerprint for question in questions)
        return questions

    def _ask(self, solver: ProviderClient, questions: Sequence[Question]) -> tuple[str, dict[str, Verdict]]:
        """How the call ended, and the verdicts: only a reply that came to its end is an opinion."""
        call = Call(self._context, solver, asked=len(questions), purpose=Purpose.SOLVE)
        answers = Answers()
        try:
            call.make(build_solver_prompt(questions), take=answers.take, drop=lambda: None)
        except Exception as err:  # noqa: BLE001  no opinion is worth a run; a store that is away is met at the next write
            return type(err).__name__, {}
        if call.ended or call.error is not None:
            self._providers.report_solver(call.error)
        return call.outcome, answers.verdicts(questions) if call.ended else {}

    def _tell(
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
    """The solver's answers as they close: the index of a choice, or None where it says that no one choice is right.

    An object that answers no slot, or with anything else, says nothing; two answers to one slot neither.
    """

    def __init__(self) -> None:
        self._given: dict[int, set[int | None]] = {}

    def take(self, raw: Mapping[str, Any]) -> None:
        """Never raises for what a model wrote."""
        position, answer = raw.get("slot"), raw.get("a", _NOTHING)
        if _is_index(position) and (answer is None or (_is_index(answer) and answer < CHOICES_PER_QUESTION)):
            self._given.setdefault(position, set()).add(answer)

    def verdicts(self, questions: Sequence[Question]) -> dict[str, Verdict]:
        """By fingerprint; without the questions that there is no one answer to."""
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
