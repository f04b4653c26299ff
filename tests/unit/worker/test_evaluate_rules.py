"""`evaluate --rules` prints what the rules see of labelled items, and says what is wrong with others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from worker.cli import cli

ITEM = {
    "id": "one",
    "kind": "wrong_key",
    "severity": "reject",
    "seen_by": "evaluator",
    "slot": {"type": "mcq", "topic": "algebra"},
    "question": {
        "q": "كم حاصل ضرب 6 في 7؟",
        "w": "نضرب العددين في ترتيب أو في عكسه.",
        "a": "36",
        "d": ["42", "40", "49"],
    },
    "declared": {"expression": "6*7"},
    "untouched": False,
}


def evaluated(directory: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["evaluate", "--rules", "--items", str(directory), *options])
    return result.exit_code, result.output


def written(directory: Path, *lines: object) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (directory / "items.jsonl").write_text("\n".join(texts), "utf-8")
    return directory


def test_a_table_has_a_row_for_each_kind_with_what_is_caught_missed_and_false(tmp_path: Path) -> None:
    sound = ITEM | {"id": "two", "kind": "clean", "seen_by": "nobody", "declared": {"expression": "6*6"}}
    code, output = evaluated(written(tmp_path, ITEM, sound))
    rows = [line.split() for line in output.splitlines()]
    assert code == 0
    assert ["wrong_key", "1", "1", "0"] in rows
    assert ["clean", "1", "0"] in rows
    assert "1 of 1 faults are caught; 0 of 1 sound items are taken for faults." in output


def test_json_has_both_parts(tmp_path: Path) -> None:
    code, output = evaluated(written(tmp_path, ITEM), "--json")
    assert code == 0
    assert json.loads(output)["tuned_part"]["kinds"] == {"wrong_key": {"items": 1, "found": 1}}
    assert json.loads(output)["untouched_part"]["agreement"] is None


@pytest.mark.parametrize("line", ["{", "[]", "7", "null", '{"id": "one"}', "[" * 100_000])
def test_a_line_that_is_no_item_is_named(tmp_path: Path, line: str) -> None:
    code, output = evaluated(written(tmp_path, ITEM, line))
    assert code == 2
    assert "line 2 of " in output


def test_an_item_of_another_form_is_named(tmp_path: Path) -> None:
    code, output = evaluated(written(tmp_path, ITEM | {"question": {"q": "كم؟"}}))
    assert code == 2
    assert "item one" in output


def test_a_directory_without_items_is_refused_with_what_to_do(tmp_path: Path) -> None:
    code, output = evaluated(tmp_path)
    assert code == 2
    assert "--items" in output


def test_the_repository_s_own_set_is_the_default() -> None:
    result = CliRunner().invoke(cli, ["evaluate", "--rules", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.output)["untouched_part"]["items"] > 200
