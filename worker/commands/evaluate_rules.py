"""`evaluate --rules`: what our rules see of labelled items, as a table or as JSON. Needs no server and no model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from generation.rule_evaluation import SOUND, Item, Row, agreement, measured
from worker.commands.output import WRONG, print_json, print_table, refuse

#: The labelled set of a checkout of this repository; an installation has none.
LABELLED_SET: Final = Path(__file__).parents[2] / "tests" / "labelled"
#: Of one file: the set has a hundredth of it.
_MAX_BYTES: Final = 50_000_000
_PARTS: Final = ((False, "tuned part"), (True, "untouched part"))


def evaluate_rules(directory: Path, *, as_json: bool) -> None:
    """Print for each kind of fault how many are caught and missed, and how many sound items are taken for faults."""
    rows = _measured(_items(directory))
    if as_json:
        print_json({name.replace(" ", "_"): _summary(_part(rows, part)) for part, name in _PARTS})
        return
    for part, name in _PARTS:
        of_part = _part(rows, part)
        if of_part:
            typer.echo(name)
            print_table(["kind", "items", "caught", "missed", "false"], [_cells(row) for row in of_part])
            typer.echo(f"{_sentence(of_part)}\n")


def _items(directory: Path) -> Sequence[Item]:
    """The items of every .jsonl file, in the order of the files' names. Refuses what is no labelled set."""
    files = sorted(directory.glob("*.jsonl"))
    if not files:
        refuse(
            f"{directory} has no .jsonl files. Give the directory of labelled items with --items.", code=WRONG
        )
    items: list[Item] = []
    for file in files:
        if file.stat().st_size > _MAX_BYTES:
            refuse(f"{file} has more than {_MAX_BYTES} bytes, which is no labelled set.", code=WRONG)
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            items.append(_item(line, f"line {number} of {file}"))
    return items


def _measured(items: Sequence[Item]) -> list[Row]:
    for item in items:
        try:
            measured([item])
        except (KeyError, TypeError, ValueError, AttributeError) as err:
            what = f"The item {item['id']} has another form than tests/labelled/README.md says"
            refuse(f"{what}: {type(err).__name__}: {err}", code=WRONG)
    return measured(items)


def _item(line: str, where: str) -> Item:
    try:
        item = dict(json.loads(line))
        missing = [name for name in _NAMES if name not in item]
    except (ValueError, TypeError, RecursionError):
        refuse(f"{where} is no JSON object.", code=WRONG)
    if missing:
        refuse(f"{where} lacks {', '.join(missing)}.", code=WRONG)
    return item


_NAMES: Final = ("id", "kind", "seen_by", "slot", "question", "untouched")


def _part(rows: Sequence[Row], is_untouched: bool) -> list[Row]:
    return [row for row in rows if row.is_untouched is is_untouched]


def _cells(row: Row) -> list[str]:
    if row.kind in SOUND:
        return [row.kind, str(row.items), "", "", str(row.found)]
    return [row.kind, str(row.items), str(row.found), str(row.items - row.found), ""]


def _summary(rows: Sequence[Row]) -> dict[str, object]:
    sound, faults = _split(rows)
    return {
        "kinds": {row.kind: {"items": row.items, "found": row.found} for row in rows},
        "items": _count(rows),
        "agreement": agreement(rows) if rows else None,
        "faults": _count(faults),
        "caught": sum(row.found for row in faults),
        "sound": _count(sound),
        "falseAlarms": sum(row.found for row in sound),
    }


def _sentence(rows: Sequence[Row]) -> str:
    sound, faults = _split(rows)
    caught, false = sum(row.found for row in faults), sum(row.found for row in sound)
    return (
        f"Rules and labels agree in {agreement(rows):.1%} of {_count(rows)} items; {caught} of {_count(faults)} "
        f"faults are caught; {false} of {_count(sound)} sound items are taken for faults."
    )


def _split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    return [row for row in rows if row.kind in SOUND], [row for row in rows if row.kind not in SOUND]


def _count(rows: Sequence[Row]) -> int:
    return sum(row.items for row in rows)
