"""`rehearse` and `evaluate` against the local Claude: outside of any session, under a cap, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from generation.model_call import StreamEnded, TextDelta
from providers.claude import make_claude
from runtime.settings import ClaudeSettings
from tests.support.providers import read, text_of
from tests.support.raw_server import RawServer, recorded
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator
from worker.cli import cli

Tool = Callable[..., Result]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    """At the real pace, so that its times are within what is expected; with limits, so that it tells them."""
    with RunningSimulator(jitter=0, rpm=1000, itpm=2_000_000, otpm=400_000) as simulator:
        monkeypatch.setenv("SIMULATOR_URL", simulator.url)
        yield simulator


def report(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_rehearsal_with_the_simulator_differs_in_nothing_and_its_recordings_can_be_replayed(
    tool: Tool, simulator: RunningSimulator, tmp_path: Path
) -> None:
    result = tool("rehearse", "--json", "--out", tmp_path / "kept")
    assert result.exit_code == 0, result.output
    assert report(result)["differences"] == []
    assert len(report(result)["calls"]) == len(simulator.bill().entries) == 4

    kept = sorted((tmp_path / "kept").glob("*.sse"))
    assert len(kept) == 4
    for path in kept:
        with RawServer(recorded(str(path))).running() as server:
            settings = ClaudeSettings.model_validate({"claude_base_url": server.url})
            provider = make_claude(settings, stall_timeout_s=5, deadline_s=10)
            events = read(provider)
            provider.close()
        assert isinstance(events[-1], StreamEnded)
        assert sum(isinstance(event, TextDelta) for event in events) > 3
        assert all("slot" in json.loads(line) for line in text_of(events).splitlines() if line)


def test_a_rehearsal_names_what_differs(
    tool: Tool, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.config.update({"rpm": "0", "ttft_s": "6"})
    simulator.faults.append(Fault("cut", after_questions=1, times=1))
    result = tool("rehearse", "--json")
    assert result.exit_code == 1
    found = " ".join(report(result)["differences"])
    assert "'anthropic-ratelimit-requests-limit'" in found
    assert "The first text came after" in found, found
    assert "The events come as message_start" in found


def test_a_rehearsal_makes_no_call_that_could_pass_its_cap(tool: Tool, simulator: RunningSimulator) -> None:
    result = tool("rehearse", "--json", "--cap-usd", "0.05")
    assert result.exit_code == 1
    assert "budget_exhausted" in report(result)["differences"][0]
    assert sum(entry.cost_microdollars for entry in simulator.bill().entries) <= 50_000


def test_two_models_write_the_same_slots_and_stand_side_by_side(
    tool: Tool, simulator: RunningSimulator
) -> None:
    simulator.config.update({"speed": "60", "wrong_key_rate": "0.3", "reject_rate": "0.2"})
    result = tool("evaluate", "--json", "--questions", "20")
    assert result.exit_code == 0, result.output
    models = report(result)["models"]
    assert list(models) == ["claude-sonnet-5-5", "claude-haiku-5-5"]
    for figures in models.values():
        assert figures["accepted"] >= 15
        assert 0.5 < figures["acceptRate"] < 1
        assert 0.3 < figures["answerAgrees"] < 1
        assert figures["arabicLetters"] > 0.9
    assert models["claude-haiku-5-5"]["microdollars"] < models["claude-sonnet-5-5"]["microdollars"]
    assert sum(each["microdollars"] for each in models.values()) <= 500_000
    tool_says = tool("evaluate", "--questions", "10", "--models", "claude-haiku-5-5")
    assert "accept rate" in tool_says.stdout
    assert tool("evaluate", "--models", ",").exit_code == 2


def test_a_model_that_does_not_exist_ends_the_comparison_with_a_sentence(
    tool: Tool, simulator: RunningSimulator
) -> None:
    result = tool("evaluate", "--models", "claude-that-never-was")
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    assert "claude-that-never-was does not exist" in result.stderr
