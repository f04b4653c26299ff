"""`plan`: how an exam is divided into batches, with the settings of this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from generation.model import Track
from generation.plan import plan_exam
from runtime.settings import PlanSettings, load
from worker.commands.output import AsJson, print_json, print_table
from worker.figure_choice import figure_choice


def plan(
    track: Track,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same plan.")] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how an exam of this track is divided into batches, with this machine's settings. Needs no server."""
    settings = load(PlanSettings)
    planned = plan_exam(
        track, batch_size=settings.exam_batch_size, seed=seed, figures=figure_choice(settings)
    )
    if as_json:
        print_json(
            {
                "version": planned.version,
                "batches": [asdict(batch) for batch in planned.batches],
                "slots": [_without_key(slot.to_json()) for slot in planned.slots],
            }
        )
        return
    print_table(
        ["batch", "section", "questions", "difficulty", "topics"],
        [
            [
                str(batch.index),
                batch.section,
                f"{batch.start}-{batch.stop - 1}",
                _counted(slot.difficulty for slot in planned.slots_of(batch)),
                _counted(slot.topic for slot in planned.slots_of(batch)),
            ]
            for batch in planned.batches
        ],
    )


def _without_key(slot: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in slot.items() if name not in _KEYS}


#: Where the key goes, and of a comparison which choice it is.
_KEYS = frozenset({"keyIndex", "wantedAnswer"})


def _counted(values: Iterator[str]) -> str:
    return ", ".join(f"{count} {value}" for value, count in Counter(values).most_common())
