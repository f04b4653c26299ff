"""What a soak found, as figures and as a page."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import mean
from typing import Any

from tools.studies.soak.measures import Sample
from tools.studies.soak.students import LoopingStudents

#: A row of the table of memory after so many batches.
_BATCHES_PER_ROW = 500
#: Before it, connections are still being opened.
_WARM_AFTER_S = 60


def progress(samples: Sequence[Sample], students: LoopingStudents, load: float) -> str:
    """One line: where the run is."""
    latest = [each for each in samples if each.at_s == samples[-1].at_s]
    memory = ", ".join(f"{each.name} {each.memory_mb:.0f} MB {each.descriptors} fd" for each in latest)
    return f"{latest[0].at_s:6.0f} s  {students.batches} batches, {students.finished} exams, load {load:.1f}: {memory}"


def found(
    given: argparse.Namespace,
    students: LoopingStudents,
    samples: Sequence[Sample],
    loads: Sequence[float],
    clients: Mapping[str, Any],
    *,
    is_over: bool,
) -> dict[str, Any]:
    waits = [each.seconds for each in students.waits]
    halves = _halves(students)
    return {
        "students": given.students,
        "minutes": given.minutes,
        "speed": given.speed,
        "clients": given.clients.value,
        "is_over": is_over,
        "exams": students.finished,
        "batches": students.batches,
        "lost": students.lost,
        "twice": students.twice,
        "wait_s": quantiles(waits),
        "wait_s_of_halves": [quantiles(half) for half in halves],
        "first_wait_s": quantiles(each.seconds for each in students.waits if each.batch_index == 0),
        "load": {"mean": round(mean(loads), 1), "max": round(max(loads), 1)},
        "answers": dict(students.answers.most_common()),
        "calls_of_clients": dict(clients),
        "processes": _processes(samples),
    }


def text(found: Mapping[str, Any], samples: Sequence[Sample]) -> str:
    rows = [("all batches", found["wait_s"]), ("the first batch of an exam", found["first_wait_s"])]
    rows += [(f"half {number} of the run", half) for number, half in enumerate(found["wait_s_of_halves"], 1)]
    lines = [
        "",
        f"{found['students']} students for {found['minutes']:g} minutes at speed {found['speed']:g}.",
        f"Other clients: {found['clients']}. Load {found['load']['mean']}, at most {found['load']['max']}.",
        f"{found['exams']} exams, {found['batches']} batches; lost {found['lost']}, twice {found['twice']}.",
        "",
        "| a student waited, seconds | n | p50 | p95 | p99 | max |",
        "|---|---|---|---|---|---|",
        *(f"| {title} | {' | '.join(str(value) for value in row.values())} |" for title, row in rows),
        "",
        *_memory_table(samples),
        "",
        "| process | descriptors after a minute | at the end | most | threads at the end | started again |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {each['descriptors_first']} | {each['descriptors_last']} | {each['descriptors_most']} | "
            f"{each['threads_last']} | {each['restarts']} |"
            for name, each in found["processes"].items()
        ),
        "",
        f"answers: {found['answers']}",
        f"other clients: {found['calls_of_clients']}",
    ]
    return "\n".join(lines)


def quantiles(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {"n": 0}
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    shares = {name: round(ordered[int(share * (len(ordered) - 1))], 2) for name, share in at.items()}
    return {"n": len(ordered), **shares, "max": round(ordered[-1], 2)}


def _halves(students: LoopingStudents) -> list[list[float]]:
    middle = len(students.waits) // 2
    ordered = sorted(students.waits, key=lambda each: each.got_at)
    return [[each.seconds for each in part] for part in (ordered[:middle], ordered[middle:])]


def _processes(samples: Sequence[Sample]) -> dict[str, Any]:
    by_name = {
        name: list(each) for name, each in groupby(sorted(samples, key=lambda s: s.name), lambda s: s.name)
    }
    return {name: _process(each) for name, each in by_name.items()}


def _process(samples: list[Sample]) -> dict[str, Any]:
    samples.sort(key=lambda each: each.at_s)
    first = next((each for each in samples if each.at_s >= _WARM_AFTER_S), samples[0])
    return {
        "memory_mb": [[each.batches, round(each.memory_mb, 1)] for each in samples],
        "descriptors_first": first.descriptors,
        "descriptors_last": samples[-1].descriptors,
        "descriptors_most": max(each.descriptors for each in samples),
        "threads_last": samples[-1].threads,
        "restarts": len({each.pid for each in samples}) - 1,
    }


def _memory_table(samples: Sequence[Sample]) -> list[str]:
    """Memory of each process as batches are written."""
    names = sorted({each.name for each in samples})
    lines = [f"| batches | {' | '.join(f'{name}, MB' for name in names)} |", "|---" * (len(names) + 1) + "|"]
    due = 0
    for _, group in groupby(samples, lambda each: each.at_s):
        moment = {each.name: each for each in group}
        batches = next(iter(moment.values())).batches
        if batches >= due:
            cells = (f"{moment[name].memory_mb:.0f}" if name in moment else "-" for name in names)
            lines.append(f"| {batches} | {' | '.join(cells)} |")
            due = (batches // _BATCHES_PER_ROW + 1) * _BATCHES_PER_ROW
    return lines
