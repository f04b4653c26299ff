"""The report of a run: one page to read, and everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.chaos.faults import KILLS
from tools.chaos.findings import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the run was asked to be."""

    seed: int
    exams: int
    duration_s: float
    speed: float
    provider_faults: str
    command: str


def write(directory: Path, name: str, setup: Setup, findings: Findings) -> Path:
    """`name`.md and `name`.json in the directory; returns the page."""
    directory.mkdir(parents=True, exist_ok=True)
    whole = {
        "setup": asdict(setup),
        "passed": not findings.failures,
        "failures": findings.failures,
        "figures": findings.figures,
    }
    (directory / f"{name}.json").write_text(json.dumps(whole, indent=2, sort_keys=True) + "\n")
    page = directory / f"{name}.md"
    page.write_text(f"{text(setup, findings)}\nEverything that was counted: [{name}.json]({name}.json).\n")
    return page


def text(setup: Setup, findings: Findings) -> str:
    figures = findings.figures
    struck: Mapping[str, int] = figures["struck"]
    kills = sum(struck.get(kind.value, 0) for kind in KILLS)
    lines = [
        "# Chaos report",
        "",
        "For whoever asks whether anything is lost when everything fails.",
        "",
        f"`{setup.command}`:",
        f"seed {setup.seed}, {setup.exams} exams, faults over {setup.duration_s:.0f} s,",
        f"simulator at speed {setup.speed:g} with faults `{setup.provider_faults}`.",
        "",
        f"**{'PASSED' if not findings.failures else 'FAILED'}**",
        "",
        *(f"- {failure}" for failure in findings.failures),
        *([""] if findings.failures else []),
        "## Must hold exactly",
        "",
        "| what | found |",
        "|---|---|",
        f"| exams whole (96 of 96, published in order, one event each) | {figures['exams_whole']} of {setup.exams} |",
        f"| questions lost | {figures['questions_lost']} |",
        f"| positions written twice | {figures['positions_doubled']} |",
        f"| violations in {figures['lease_changes']} lease changes and {figures['writes']} writes | {figures['model_violations']} |",
        f"| processes that ended without being told to | {figures['unexpected_ends']} |",
        f"| longest time without a step for an awaited batch, outages not counted | {_of(figures, 'longest_silence_beyond_outages_s', 'max')} s |",
        "",
        "## What was done to it",
        "",
        f"{kills} kills of processes, {sum(struck.values())} faults in all; servers were away for {figures['outages_s']} s.",
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {kind} | {times} |" for kind, times in struck.items()),
        "",
        "## How it went (timing depends on the machine)",
        "",
        "| seconds | n | p50 | p95 | p99 | max |",
        "|---|---|---|---|---|---|",
        *(_row(figures, name, title) for name, title in _TIMES),
        "",
        *_phases(figures["rescue_phases_s"]),
        f"{figures['runs']} runs, at most {figures['most_runs_of_a_batch']} of one batch.",
        f"{figures['stale_writers_stopped']} calls of replaced or cut-off runs were stopped before they wrote.",
        f"{figures['batches_given_up']} batches were given up.",
        "",
        "| outcome of a call | calls |",
        "|---|---|",
        *(f"| {outcome} | {count} |" for outcome, count in figures["attempts"].items()),
        "",
        "`lost` are calls whose worker was killed; the others ended in the ledger.",
        "",
        *_waste(figures["waste"]),
    ]
    return "\n".join(lines) + "\n"


_TIMES = (
    ("wait_s", "a student waited for a batch"),
    ("wait_beyond_outages_s", "the same without the outages of servers"),
    ("longest_silence_beyond_outages_s", "the longest time in a wait without a step"),
    ("rescue_s", "SIGKILL to the next question by another worker"),
    ("rescue_without_another_fault_s", "the same where nothing else was hurt meanwhile"),
    ("rescue_beyond_first_token_s", "the same without the provider's time to its first token"),
)


def _phases(phases: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where the time of an undisturbed rescue went."""
    if not phases:
        return []
    rows = [_row(phases, name, name) for name in phases]
    head = ["| a rescue's steps, seconds | n | p50 | p95 | p99 | max |", "|---|---|---|---|---|---|"]
    return [*head, *rows, ""]


def _waste(by_outcome: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The simulator's bill against the rows."""
    columns = (
        "calls",
        "finished",
        "thrown_away",
        "thrown_away_of_one_call",
        "output_tokens",
        "tokens_paid_again",
        "tokens_paid_again_of_one_call",
    )
    return [
        "## What was paid for and is in no row",
        "",
        "By the simulator's bill: whole questions that had left it, and output tokens beyond the kept ones.",
        "A `killed` call is one whose message id the ledger never learned. A frozen worker, or one that waits",
        "for Postgres, lets a reply pile up unread; the last line is without those.",
        "",
        "| outcome of a call | calls | finished | thrown away | of one call | tokens | paid again | of one call |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {outcome} | {' | '.join(str(sums[column]) for column in columns)} |"
            for outcome, sums in by_outcome.items()
        ),
    ]


def _row(figures: Mapping[str, Any], name: str, title: str) -> str:
    cells = (str(figures[name].get(column, "-")) for column in ("n", "p50", "p95", "p99", "max"))
    return f"| {title} | {' | '.join(cells)} |"


def _of(figures: Mapping[str, Any], name: str, column: str) -> Any:
    return figures[name].get(column, "-")
