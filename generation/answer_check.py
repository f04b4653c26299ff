"""The answer check: a solver answers each question without its key, and the answers are compared with the key.

A batch that no student waits for is checked after its questions are committed and before it is published: what is
disputed is written again. Every other batch is checked after it is published: what is disputed is marked. The
check may replace a question but removes none: if it fails, the batch stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.call import COMPLETE, Call, RunContext
from generation.model import Question, Slot, Urgency
from generation.ports import Fallback, ProviderClient, VerdictStore
from generation.prompts.solving import build_solver_prompt
from generation.run_events import BatchChecked
from generation.solver_answers import LOOKS, Answer, Answers, finding_on, verdict_on
from generation.verdicts import Doubt, Finding, Purpose, Verdict

#: The outcome of a check while no solver is available, because its circuit breaker is open.
NO_SOLVER = "no_solver"


class AnswerCheck:
    """The solver's part of one run. It asks about each question at most once in a run, so that the run ends."""

    def __init__(self, context: RunContext, providers: Fallback, store: VerdictStore | None = None) -> None:
        self._context = context
        self._providers = providers
        self._store: VerdictStore = store or context.store
        self._asked_about: set[str] = set()  # fingerprints

    def disputed(self) -> tuple[Slot, ...]:
        """Check the batch's questions; return the slots whose questions are to be written again.

        Two calls ask about all questions, and up to three more about those that are not decided yet. A question
        that a failure leaves undecided stays unchecked. Raises what the store raises; a failure of the solver is
        only reported.
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
        outcome, findings = self._findings(solver, questions)
        replaceable = self._store.settle_verdicts(context.claim, findings) if findings else ()
        self._report(outcome, questions, findings, replaceable)
        return replaceable

    def _not_asked_about(self) -> Sequence[Question]:
        unchecked = self._store.unchecked(self._context.claim)
        questions = [question for question in unchecked if question.fingerprint not in self._asked_about]
        self._asked_about.update(question.fingerprint for question in questions)
        return questions

    def _findings(
        self, solver: ProviderClient, questions: Sequence[Question]
    ) -> tuple[str, dict[str, Finding]]:
        """The outcome of the last look, and the findings by fingerprint."""
        seen: dict[str, list[Answer]] = {question.fingerprint: [] for question in questions}
        found: dict[str, Finding] = {}
        undecided, outcome = questions, COMPLETE
        for look in range(LOOKS):
            outcome, answers = self._look(solver, undecided, look)
            for question in undecided:
                if (answer := answers.get(question.fingerprint)) is None:
                    continue
                given = seen[question.fingerprint]
                given.append(answer)
                if (verdict := verdict_on(question, given)) is not None:
                    found[question.fingerprint] = finding_on(question, given, verdict, solver.model)
            undecided = [
                question
                for question in undecided
                if question.fingerprint in answers and question.fingerprint not in found
            ]
            if not undecided or self._context.stop.asked is not None:
                break
        return outcome, found

    def _look(
        self, solver: ProviderClient, questions: Sequence[Question], look: int
    ) -> tuple[str, dict[str, Answer]]:
        """The outcome of the call, and the answers, which only a complete reply gives."""
        call = Call(self._context, solver, asked=len(questions), purpose=Purpose.SOLVE)
        answers = Answers(look)
        try:
            call.make(build_solver_prompt(questions, look), take=answers.take, drop=lambda _reason: None)
        except Exception as err:  # noqa: BLE001  a failed check must not end the run; the next write meets a failing store
            return type(err).__name__, {}
        if call.ended or call.error is not None:
            self._providers.report_solver(call.error)
        return call.outcome, answers.of(questions) if call.ended else {}

    def _report(
        self,
        outcome: str,
        questions: Sequence[Question],
        findings: Mapping[str, Finding],
        replaceable: Sequence[Slot],
    ) -> None:
        given = [finding.verdict for finding in findings.values()]
        reasons = [reason for finding in findings.values() for reason in finding.reasons]
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
                outweighed=reasons.count(Doubt.OUTWEIGHED),
                doubtful_language=reasons.count(Doubt.LANGUAGE),
            )
        )
