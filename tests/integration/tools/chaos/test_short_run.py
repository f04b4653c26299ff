from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.chaos.__main__ import main

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


RUN = (
    *("--seed", "7", "--exams", "3", "--seconds", "12", "--speed", "20", "--kills", "5"),
    *("--redis", "1", "--flushes", "1", "--drops", "1", "--postgres", "1"),
    *("--pubsub", "1", "--maxclients", "1", "--poison", "1", "--read-only", "1"),
)


@pytest.mark.timeout(300)
def test_whole_exams_survive_a_short_run_of_everything_that_can_die(tmp_path: Path) -> None:
    """The short form of `make chaos`: same faults, same judge, few exams."""
    status = main([*RUN, "--directory", str(tmp_path)])
    report = json.loads((tmp_path / "chaos-report.json").read_text())
    assert report["failures"] == []
    assert status == 0
    figures = report["figures"]
    assert (figures["exams_whole"], figures["questions"], figures["model_violations"]) == (3, 288, 0)
    assert sum(figures["struck"].values()) == 13
    assert (tmp_path / "history.jsonl").stat().st_size > 0
