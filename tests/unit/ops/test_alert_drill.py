"""No alert without a scene that makes it fire, and without a remedy that was seen to end it."""

from __future__ import annotations

import re

import pytest

from tests.support.alert_drill.__main__ import PAGE
from tests.support.alert_drill.providers import DRIFTING, WRONG_TYPE
from tests.support.alert_drill.scenes import SCENES
from tests.support.alert_drill.ward import Edit
from tests.support.alert_drill.watch import left_side, rules, shortened
from tools.stack.processes import PROJECT

NAMES = [rule["alert"] for rule in rules()]


def test_every_alert_has_a_scene() -> None:
    assert sorted(alert for scene in SCENES for alert in scene.alerts) == sorted(NAMES)


def test_every_alert_was_drilled() -> None:
    """Written by the drill itself: python -m tests.support.alert_drill."""
    assert re.findall(r"^\| \[(\w+)\]", PAGE.read_text(), flags=re.MULTILINE) == NAMES


@pytest.mark.parametrize("edit", [WRONG_TYPE, DRIFTING], ids=lambda edit: edit.file)
def test_the_versions_that_should_not_be_rolled_out_are_still_like_ours(edit: Edit) -> None:
    text = (PROJECT / edit.file).read_text()
    assert edit.of(text) != text


def test_windows_are_shortened_and_nothing_else() -> None:
    longer = "sum(increase(a[10m])) + (b unless b offset 1h) > 10"
    assert shortened(longer) == "sum(increase(a[20s])) + (b unless b offset 20s) > 10"
    assert shortened("max(time() - a) > 60") == "max(time() - a) > 12"


@pytest.mark.parametrize(
    ("expr", "compared"),
    [
        ("min(a) == 0", "min(a)"),
        ("a / b < 0.5\n  and c > 20", "a / b"),
        ("a > 0\n  or b > 60", "a > 0\n  or b > 60"),
        ("sum(\n (a unless b)\n or c\n) > 2", "sum(\n (a unless b)\n or c\n)"),
    ],
)
def test_what_an_alert_compares(expr: str, compared: str) -> None:
    assert left_side(expr) == compared
