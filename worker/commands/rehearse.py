"""`rehearse`, for the first day with a key: one real batch under a cap, compared with what the tests expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from generation.model import Track, Urgency
from generation.model_call import AttemptRecord, UsageSource
from generation.plan import plan_exam
from generation.run_batch import READY
from generation.verdicts import Purpose
from providers.expected_stream import differences, final_usage, time_differences
from providers.profiles import profile_of
from providers.recording import Recording, record
from runtime.money import dollars
from runtime.settings import PlanSettings, load
from worker.commands.asking import claude_alone
from worker.commands.output import NO, AsJson, print_json, print_table
from worker.figure_choice import figure_choice
from worker.trial import Trial, write_batch

#: Enough to see one call write the cache and the others read it.
_LANES = 4
#: Two seeds of the same plan ask for other slots.
_SEED = 1


def rehearse(
    cap_usd: Annotated[float, typer.Option(min=0.05, max=5, help="What the writing may cost at most.")] = 0.5,
    out: Annotated[Path, typer.Option(help="Where the scrubbed recordings go.")] = Path("recordings"),
    *,
    as_json: AsJson = False,
) -> None:
    """Write one batch with Claude (the simulator without a key), outside of any session, and compare.

    Its stream, usage, cache, headers, times and ledger are compared with what the code expects. Each difference is
    printed as a sentence, and the exit code is 1 when there is one. The recordings are named so that the tests can
    replay them.
    """
    with claude_alone() as (providers, state):
        writer = providers.providers[0]
        recordings = record(writer.client)
        figures = figure_choice(load(PlanSettings))
        plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=_SEED, figures=figures)
        trial = write_batch(
            providers,
            plan,
            plan.batches[0],
            track=Track.SCIENTIFIC,
            urgency=Urgency.INTERACTIVE,
            lanes=_LANES,
            cap_microdollars=Decimal(str(cap_usd)) * 1_000_000,
        )
    found = list(_compared(trial, recordings, wanted=plan.batches[0].size, asked=writer.model))
    saved = _save(recordings, out)
    _show(trial, found, saved, is_simulator=bool(state.is_simulator), as_json=as_json)
    if found:
        raise typer.Exit(NO)


def _compared(trial: Trial, recordings: Sequence[Recording], *, wanted: int, asked: str) -> Iterator[str]:
    """Each difference once, however many calls show it."""
    if trial.result is None or trial.result.outcome != READY:
        outcome = trial.result.outcome if trial.result else "nothing"
        yield f"The batch ended with {outcome!r} and {len(trial.questions)} of {wanted} questions."
    yield from dict.fromkeys(sentence for each in recordings for sentence in differences(each))
    calls = trial.written()
    yield from _of_times(calls)
    yield from _of_the_cache(calls)
    yield from _of_the_ledger(trial.calls, recordings, asked)


def _of_times(calls: Sequence[AttemptRecord]) -> list[str]:
    """Differences of the median call's times: one that was slow by chance does not count."""
    firsts = [call.first_token_ms / 1000 for call in calls if call.first_token_ms is not None]
    speeds = [speed for call in calls if (speed := _tokens_per_s(call)) is not None]
    return time_differences(
        first_text_s=median(firsts) if firsts else None, tokens_per_s=median(speeds) if speeds else None
    )


def _tokens_per_s(call: AttemptRecord) -> float | None:
    """The speed after the first text; None for a call that was too short to measure."""
    if call.first_token_ms is None or call.duration_ms is None:
        return None
    writing_s = (call.duration_ms - call.first_token_ms) / 1000
    return call.usage.output / writing_s if writing_s > 1 else None


def _of_the_cache(calls: Sequence[AttemptRecord]) -> Iterator[str]:
    wrote = [call.usage.cache_written for call in calls if call.usage.cache_written]
    read = [call.usage.cache_read for call in calls if call.usage.cache_read]
    if len(wrote) > 1:
        yield f"{len(wrote)} calls wrote the cache where one writes and the others read."
    if not read:
        yield "No call read the cache, where every call but the first does."
    elif wrote and set(read) != {wrote[0]}:
        yield f"The cache was written with {wrote[0]} tokens, and calls read {sorted(set(read))} of them."


def _of_the_ledger(
    calls: Sequence[AttemptRecord], recordings: Sequence[Recording], asked: str
) -> Iterator[str]:
    guessed = [call for call in calls if call.usage_source is not UsageSource.REPORTED]
    if guessed:
        yield f"{len(guessed)} of {len(calls)} calls are booked as {guessed[0].usage_source.value!r}, not as reported."
    said = sorted(final_usage(each.events()).get("output_tokens", 0) for each in recordings)
    booked = sorted(call.usage.output for call in calls)
    if said != booked:
        yield f"The replies say that they have {sum(said)} output tokens, and the ledger has {sum(booked)}."
    wrote = {call.model for call in calls if call.purpose is Purpose.WRITE}
    others = sorted(model for model in wrote if profile_of(model).name != profile_of(asked).name)
    if others:
        yield f"{', '.join(others)[:200]} answered where {asked} was asked."


def _save(recordings: Sequence[Recording], out: Path) -> list[Path]:
    """Write each whole reply, without keys and ids, as the tests' fixtures are."""
    out.mkdir(parents=True, exist_ok=True)
    saved = []
    for number, recording in enumerate(recordings, start=1):
        path = out / f"rehearsed_{number:02d}.sse"
        path.write_text(recording.scrubbed(), encoding="utf-8")
        saved.append(path)
    return saved


def _show(
    trial: Trial, found: Sequence[str], saved: Sequence[Path], *, is_simulator: bool, as_json: bool
) -> None:
    if as_json:
        calls = [_row(call) for call in trial.calls]
        print_json({"simulator": is_simulator, "differences": found, "calls": calls, "recordings": saved})
        return
    print_table(
        ["call", "model", "in", "read", "written", "out", "first text", "cost"],
        [list(_row(call).values()) for call in trial.calls],
    )
    typer.echo(
        f"{len(trial.questions)} questions for {dollars(trial.cost_microdollars)}, in no session and no ledger."
    )
    if is_simulator:
        typer.echo("The simulator answered, not Claude: with a key this is the first real batch.")
    for sentence in found or ["Nothing differs from what we build on."]:
        typer.echo(sentence)
    typer.echo(f"{len(saved)} scrubbed recordings: read them before you commit them.")


def _row(call: AttemptRecord) -> dict[str, str]:
    usage, first_ms = call.usage, call.first_token_ms
    return {
        "purpose": call.purpose.value,
        "model": call.model,
        "input": str(usage.input),
        "cacheRead": str(usage.cache_read),
        "cacheWritten": str(usage.cache_written),
        "output": str(usage.output),
        "firstText": "none" if first_ms is None else f"{first_ms / 1000:.2f} s",
        "cost": dollars(call.cost_microdollars),
    }
