"""The settings name the figures that the page can draw; a wrong name stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import api.__main__ as api_process
from generation.figures.catalogue import PATTERNS
from generation.figures.web_app import WEB_APP_SAFE
from runtime.settings import PlanSettings, SettingsError, load
from tools.stack.stack import Stack, StackOptions
from tools.stack.stack_settings import StackSettings
from worker.cli import cli
from worker.figure_choice import figure_choice


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of the developer's
    for name in ("FIGURE_PATTERNS", "FIGURE_SHARE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "patterns"),
    [
        (None, WEB_APP_SAFE.keys()),
        ("", WEB_APP_SAFE.keys()),
        ("web-app", WEB_APP_SAFE.keys()),
        ("all", PATTERNS.keys()),
        ("circle, bar-chart", {"circle", "bar-chart"}),
    ],
)
def test_a_word_or_names_choose_the_patterns(
    given: str | None, patterns: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if given is not None:
        monkeypatch.setenv("FIGURE_PATTERNS", given)
    choice = figure_choice(load(PlanSettings))
    assert choice.patterns == set(patterns)
    assert choice.web_app_only == (given not in {"all", "circle, bar-chart"})
    assert choice.share == 0.15


@pytest.mark.parametrize("given", ["cirlce", "web-app,circle", "Circle", "circle;cube", ",", "دائرة"])
def test_a_wrong_name_stops_api_and_command_with_a_sentence(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIGURE_PATTERNS", given)
    with pytest.raises(SettingsError, match=r"^FIGURE_PATTERNS is not usable: .*docs/figures\.md"):
        figure_choice(load(PlanSettings))
    done = CliRunner().invoke(cli, ["plan", "scientific"])
    assert done.exit_code == 2
    assert "FIGURE_PATTERNS" in done.output


def test_the_api_does_not_start_with_a_wrong_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGURE_PATTERNS", "cirlce")
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("API_INSECURE_NO_AUTH", "true")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user@127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(SettingsError, match="There is no figure pattern cirlce"):
        api_process._settings()


@pytest.mark.parametrize("share", ["-0.1", "0.51", "half", "nan"])
def test_a_share_is_between_nothing_and_a_half(share: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGURE_SHARE", share)
    with pytest.raises(SettingsError, match="FIGURE_SHARE"):
        load(PlanSettings)


def test_the_developers_stack_asks_for_every_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = StackOptions(directory=tmp_path)
    assert Stack(load(StackSettings), options).environment["FIGURE_PATTERNS"] == "all"
    monkeypatch.setenv("FIGURE_PATTERNS", "web-app")
    assert Stack(load(StackSettings), options).environment["FIGURE_PATTERNS"] == "web-app"
