"""What was seen of each alert: false, a fault, true, the remedy, false again. As lines, and as a table."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.support.alert_drill.watch import NOTHING, WINDOW, Subscription, rules

TIMEOUT_S = 120
_LOOK_AGAIN_S = 0.5

_INTRODUCTION = """\
# Each alert, drilled

For an operator who wants to know whether an alert would come.

Written by `python -m tests.support.alert_drill [ALERT ...]` (a `prometheus` must be installed; without names, all).
A real Prometheus evaluates the expressions of `ops/prometheus/alerts.yml` over what a real stack tells: API, workers,
Postgres, Redis and the simulator, whose faults are set while it runs. For each alert: its expression is false, the
fault, it is true; the remedy of `docs/runbook.md`, and it is false again. Afterwards a new student is written ten questions.

A drill has no time for windows of minutes: each is {window} here, clocks are old after 12 s and not 60 or 3600, and `for:` is not
waited for. Nothing else of an expression is changed. The value is the left side of its comparison, at the largest
series; `none` where the alert has no single comparison, or nothing to compare. `docker compose up` and `--scale` start
the same command here without a container. In brackets: after how long.
"""


class DrillFailed(Exception):
    """An alert did not do what it is for; the message says which, and when."""


@dataclass
class Line:
    """One alert's way through a drill."""

    alert: str
    before: str
    fault: str = ""
    during: str = ""
    fired_after_s: float = 0.0
    remedy: str = ""
    after: str = ""
    ended_after_s: float = 0.0


@dataclass
class Record:
    watch: Subscription
    lines: dict[str, Line] = field(default_factory=dict)
    _what: str = ""
    _since: float = 0.0

    def calm(self, *alerts: str) -> None:
        """All is well: the alerts are false."""
        self._now("Nothing is wrong.")
        while not self.watch.scraped():
            time.sleep(_LOOK_AGAIN_S)
        for alert in alerts:
            self._await(alert, true=False)
            self.lines[alert] = Line(alert, before=self.watch.value(alert))

    def fault(self, sentence: str) -> None:
        self._now(sentence)

    def fires(self, *alerts: str) -> None:
        for alert in alerts:
            line = self.lines[alert]
            line.fault, line.fired_after_s = self._what, self._await(alert, true=True)
            line.during = self.watch.value(alert)

    def remedy(self, sentence: str) -> None:
        """What is done about the alerts that fire, which they do until then."""
        for alert, line in self.lines.items():
            if line.fault and not line.remedy and not self.watch.holds(alert):
                raise DrillFailed(f"{alert} ended by itself, before: {sentence}")
        self._now(sentence)

    def ends(self, *alerts: str) -> None:
        for alert in alerts:
            line = self.lines[alert]
            line.remedy, line.ended_after_s = self._what, self._await(alert, true=False, of_something=True)
            line.after = self.watch.value(alert)

    def _now(self, sentence: str) -> None:
        self._what, self._since = sentence, time.monotonic()
        _say(sentence)

    def _await(self, alert: str, *, true: bool, of_something: bool = False) -> float:
        """Until the alert is so, `of_something` by a share that has something to share; after how many seconds."""
        while self.watch.holds(alert) is not true or (of_something and self.watch.value(alert) == NOTHING):
            if time.monotonic() - self._since > TIMEOUT_S:
                raise DrillFailed(f"{alert} is still {not true} {TIMEOUT_S} s after: {self._what}")
            time.sleep(_LOOK_AGAIN_S)
        took_s = time.monotonic() - self._since
        _say(f"  {alert} is {true} after {took_s:.0f} s: {self.watch.value(alert)}")
        return took_s


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def page(before: str, lines: Mapping[str, Line], *, day: date) -> str:
    """The document `before` with what was seen on this day: a row for each alert, in the order of the rules."""
    kept = {row[1]: row[0] for row in re.finditer(r"^\| \[(\w+)\].*$", before, flags=re.MULTILINE)}
    seen = {line.alert: line for line in lines.values()}
    rows = [
        _row(rule["labels"]["severity"], seen[name], day) if name in seen else kept[name]
        for rule in rules()
        if (name := rule["alert"]) in seen or name in kept
    ]
    head = [
        "| alert | | before | fault | during | remedy | after | day |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([_INTRODUCTION.format(window=WINDOW), *head, *rows, ""])


def _row(severity: str, line: Line, day: date) -> str:
    cells = (
        f"[{line.alert}](runbook.md#{line.alert.lower()})",
        severity,
        line.before,
        line.fault,
        f"{line.during} ({line.fired_after_s:.0f} s)",
        line.remedy,
        f"{line.after} ({line.ended_after_s:.0f} s)",
        f"{day}",
    )
    return f"| {' | '.join(cells)} |"
