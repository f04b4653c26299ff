"""python -m tools.bench: everything that is claimed about speed and cost, measured in one run, next to peers.

Prints a table a part, and writes results.json and the plots into a directory. QUICK=1 or --quick takes
fewer of everything and the same paths.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.bench.cost import alone, cost
from tools.bench.figures import table
from tools.bench.first_batch import first_batches, message_to_model
from tools.bench.machine import machine
from tools.bench.many_streams import many_streams, template
from tools.bench.overhead import overhead
from tools.bench.parsing import growth, parsing
from tools.bench.plots import draw
from tools.bench.stage import CHECKED, on_stage
from tools.bench.torture import torture
from tools.stack.processes import PROJECT
from tools.studies.morning import mornings
from tools.studies.prefetch import prefetch

#: Where `make bench` puts what only a peer needs; without it the rows that need it are left out.
PEERS = PROJECT / ".venv-peers" / "bin" / "python"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    exams: int
    messages: int
    rounds: int
    counts: tuple[int, ...]
    harms: int
    students: int
    mornings: tuple[tuple[int, int], ...]
    templates: bool


QUICK = Size(
    exams=2,
    messages=0,
    rounds=0,
    counts=(20,),
    harms=3000,
    students=60,
    mornings=((500, 500),),
    templates=False,
)
FULL = Size(
    exams=20,
    messages=30,
    rounds=4,
    counts=(1, 50, 200, 500),
    harms=100_000,
    students=400,
    mornings=((1000, 500), (5000, 500), (5000, 1000), (10_000, 1000)),
    templates=True,
)


@dataclass
class Run:
    size: Size
    out: Path
    only: frozenset[str]
    results: dict[str, Rows] = field(default_factory=dict)

    def part(self, name: str, title: str, measure: Callable[[], Rows]) -> None:
        """Measure, print and keep one part, if it is wanted."""
        if self.only and name not in self.only:
            return
        began = time.monotonic()
        rows = measure()
        self.results.setdefault(name, []).extend(rows)
        print(f"\n{title}  [{time.monotonic() - began:.0f} s]\n{table(_flat(rows))}", flush=True)

    def wants(self, *names: str) -> bool:
        return not self.only or not self.only.isdisjoint(names)


def main() -> int:
    arguments = _parser().parse_args()
    run = Run(
        QUICK if arguments.quick else FULL,
        arguments.out.absolute(),
        frozenset(filter(None, arguments.only.split(","))),
    )
    run.out.mkdir(parents=True, exist_ok=True)
    before = machine()
    print(
        f"On {before['cpus']} cores, load {before['load_1m_before']}; "
        f"the same computation repeated spreads by {before['spin_spread']:.1%}."
    )
    try:
        _measure(run)
    finally:  # a part that fails must not take with it what the others have found
        _write(run, before)
    return 0


def _measure(run: Run) -> None:
    _alone(run)
    if run.wants("first", "many_streams"):
        _at_real_speed(run)
    if run.wants("overhead") and run.size.rounds:
        with on_stage(run.out / "stack", simulator=("--jitter", "0"), GENERATION_LANES="1") as stage:
            run.part(
                "overhead", "Ours over a bare stream", lambda: overhead(stage, run.size.rounds, seed=7000)
            )
    if run.wants("cost"):
        with on_stage(run.out / "stack", speed=30, **CHECKED) as stage:
            run.part("cost", "What an exam costs", lambda: cost(stage))
        run.part(
            "cost", "The prefix by how busy it is (simulated)", lambda: alone(run.results["cost"], seed=1)
        )


def _write(run: Run, before: dict[str, Any]) -> None:
    after = machine()
    (run.out / "results.json").write_text(
        json.dumps({"before": before, "after": after, "results": run.results}, indent=1, default=float)
    )
    pictures = draw(run.results, run.out)
    print(
        f"\nLoad at the end {after['load_1m_before']}. Written to {run.out}: results.json, "
        + ", ".join(picture.name for picture in pictures)
    )


def _alone(run: Run) -> None:
    """What needs no stack."""
    size = run.size
    peers = PEERS if PEERS.exists() else None
    run.part("parsing", "Parsing a reply, CPU", lambda: parsing(peers))
    run.part("parsing", "Our parser on longer replies", growth)
    run.part("parsing", "Our parser under harm", lambda: torture(size.harms, seed=1))
    run.part("prefetch", "Prefetch over students (simulated)", lambda: prefetch(size.students, seed=1))
    run.part("morning", "An exam morning (simulated)", lambda: mornings(list(size.mornings), seed=1))


def _at_real_speed(run: Run) -> None:
    """Against the simulator at real speed, without jitter, so that the model's own time is exact."""
    size = run.size
    with on_stage(run.out / "stack", simulator=("--jitter", "0")) as stage:
        run.part("first", "One student's first batch, in lanes", lambda: first_batches(stage, size.exams))
        if size.messages:
            run.part("first", "From message to model", lambda: message_to_model(stage, size.messages, seed=3))
        run.part(
            "many_streams",
            "Batches at once, one call each",
            lambda: many_streams(stage, size.counts, seed=11),
        )
        if size.templates:
            run.part(
                "many_streams",
                "The usual template",
                lambda: [template(stage, "plain", sys.executable, seed=5)],
            )
            if PEERS.exists():
                run.part(
                    "many_streams",
                    "The same, streamed through instructor",
                    lambda: [template(stage, "instructor", str(PEERS), seed=6)],
                )


def _flat(rows: Rows) -> Rows:
    """A nested mapping becomes columns."""
    return [
        {
            inner: value
            for name, outer in row.items()
            for inner, value in (outer.items() if isinstance(outer, dict) else [(name, outer)])
        }
        for row in rows
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")))
    parser.add_argument(
        "--only",
        default="",
        help="parts, separated by commas: first,many_streams,overhead,parsing,cost,prefetch,morning",
    )
    parser.add_argument("--out", type=Path, default=PROJECT / ".bench")
    return parser


if __name__ == "__main__":
    sys.exit(main())
