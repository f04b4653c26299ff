"""`evaluate --models A,B`: two models write the same slots, and what came of them stands side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean

import typer

from generation.model import Batch, EarlierQuestion, Plan, Question, Section, Track, Urgency
from generation.plan import plan_exam
from generation.verdicts import Verdict
from providers.fallback import OrderedFallback
from runtime.money import dollars
from runtime.settings import PlanSettings, load
from worker.commands.asking import claude_alone
from worker.commands.output import percent, print_json, print_table
from worker.figure_choice import figure_choice
from worker.trial import Trial, write_batch

_SEED = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """What one model wrote."""

    model: str
    trials: tuple[Trial, ...]
    wanted: int

    def figures(self) -> dict[str, float | int | None]:
        """Counts, and shares between 0 and 1; None where nothing came to measure."""
        questions = [question for trial in self.trials for question in trial.questions.values()]
        verdicts = [verdict for trial in self.trials for verdict in trial.verdicts.values()]
        rejected = sum(len(trial.reasons) for trial in self.trials)
        written = [call for trial in self.trials for call in trial.written()]
        cost = sum((call.cost_microdollars for call in written), Decimal(0))
        return {
            "wanted": self.wanted,
            "accepted": len(questions),
            "rejected": rejected,
            "acceptRate": _share(len(questions), len(questions) + rejected),
            "checked": len(verdicts),
            "answerAgrees": _share(verdicts.count(Verdict.AGREED), len(verdicts)),
            "flaggedRulesAQuestion": _share(sum(len(trial.noted) for trial in self.trials), len(questions)),
            "arabicLetters": _arabic("".join(_text(each) for each in questions)),
            "outputTokensAQuestion": _share(sum(call.usage.output for call in written), len(questions)),
            "stemCharacters": mean(len(each.stem) for each in questions) if questions else None,
            "solutionCharacters": mean(len(each.explanation) for each in questions) if questions else None,
            "microdollarsAQuestion": _share(float(cost), len(questions)),
            "microdollars": float(cost),
            "calls": len(written),
        }


#: Title and figure of each line of the table, with how it is shown.
_LINES = (
    ("questions accepted", "accepted", "{:.0f}"),
    ("objects rejected", "rejected", "{:.0f}"),
    ("accept rate", "acceptRate", "percent"),
    ("answer check agrees", "answerAgrees", "percent"),
    ("rules flagged a question", "flaggedRulesAQuestion", "{:.2f}"),
    ("letters that are Arabic", "arabicLetters", "percent"),
    ("output tokens a question", "outputTokensAQuestion", "{:.0f}"),
    ("characters of a stem", "stemCharacters", "{:.0f}"),
    ("characters of a solution", "solutionCharacters", "{:.0f}"),
    ("micro-dollars a question", "microdollarsAQuestion", "{:.0f}"),
    ("calls", "calls", "{:.0f}"),
)


def evaluate_models(models: Sequence[str], *, questions: int, cap_usd: float, as_json: bool) -> None:
    """Write `questions` slots with each model, half of them of each section, and compare.

    The cap is of the writing of all models together; each model gets an equal part. Exit code 1 when one of the
    models cannot be used.
    """
    samples = [_sample(model, questions, Decimal(str(cap_usd)) * 1_000_000 / len(models)) for model in models]
    found = {sample.model: sample.figures() for sample in samples}
    if as_json:
        print_json({"models": found, "reasons": {each.model: _reasons(each) for each in samples}})
        return
    print_table(
        ["", *found],
        [
            [title, *(_shown(figures[name], form) for figures in found.values())]
            for title, name, form in _LINES
        ],
    )
    for sample in samples:
        for reason, number in _reasons(sample).items():
            typer.echo(f"{sample.model}: {number} rejected as {reason}")
    spent = sum(float(figures["microdollars"] or 0) for figures in found.values())
    typer.echo(
        f"Written for {dollars(Decimal(spent))}, answer checks not counted; in no session and no ledger."
    )


def _sample(model: str, questions: int, cap_microdollars: Decimal) -> Sample:
    with claude_alone(model) as (providers, _):
        return Sample(model, tuple(_written(providers, questions, cap_microdollars)), questions)


def _written(providers: OrderedFallback, questions: int, cap_microdollars: Decimal) -> Iterator[Trial]:
    """Batches of both sections in turn; near the cap they stay short."""
    earlier: list[EarlierQuestion] = []
    spent = Decimal(0)
    for plan, batch in _batches(questions):
        trial = write_batch(
            providers,
            plan,
            batch,
            track=Track.SCIENTIFIC,
            urgency=Urgency.PREFETCH,
            lanes=1,
            cap_microdollars=cap_microdollars - spent,
            earlier=earlier,
        )
        yield trial
        earlier += [EarlierQuestion.of(question) for question in trial.questions.values()]
        spent += sum((call.cost_microdollars for call in trial.written()), Decimal(0))


def _batches(questions: int) -> Iterator[tuple[Plan, Batch]]:
    """Batches of the exam's own plan, the sections in turn, until they hold the number."""
    seed, figures = _SEED, figure_choice(load(PlanSettings))
    left = questions
    while left > 0:
        plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=seed, figures=figures)
        by_section = [[batch for batch in plan.batches if batch.section is section] for section in Section]
        for pair in zip(*by_section, strict=False):
            for batch in pair:
                if left > 0:
                    yield plan, batch
                    left -= batch.size
        seed += 1


def _reasons(sample: Sample) -> dict[str, int]:
    reasons = [reason for trial in sample.trials for reason in trial.reasons]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _text(question: Question) -> str:
    return " ".join([question.stem, *question.choices, question.explanation])


def _arabic(text: str) -> float | None:
    letters = [char for char in text if char.isalpha()]
    return _share(sum("\u0600" <= char <= "\u06ff" for char in letters), len(letters))


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _shown(value: float | None, form: str) -> str:
    if form == "percent":
        return percent(value)
    return "n/a" if value is None else form.format(value)
