"""Each alert against a real fault: `python -m tests.support.alert_drill [ALERT ...]`.

Without names it plays every scene. What was seen goes into docs/alert-drill.md, alert by alert. Needs a `prometheus`;
all scenes take about a quarter of an hour. Ends with 1 when an alert did not fire, or its remedy did not end it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from tests.integration.stack.student import Student
from tests.support.alert_drill.record import DrillFailed, Line, Record, page
from tests.support.alert_drill.scenes import SCENES, Scene
from tests.support.alert_drill.ward import Ward
from tests.support.alert_drill.watch import rules, watching
from tests.support.homes import no_home_left

#: A provider that refused our key is looked at again after a minute.
SERVED_WITHIN_S = 90

PAGE = Path(__file__).resolve().parents[3] / "docs" / "alert-drill.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("alerts", nargs="*", choices=[rule["alert"] for rule in rules()], metavar="ALERT")
    wanted = set(parser.parse_args().alerts)
    try:
        for scene in SCENES:
            if not wanted or wanted & set(scene.alerts):
                _note(played(scene))
    except DrillFailed as failed:
        sys.stderr.write(f"FAILED: {failed}\n")
        return 1
    return 0


def _note(lines: dict[str, Line]) -> None:
    before = PAGE.read_text() if PAGE.exists() else ""
    PAGE.write_text(page(before, lines, day=datetime.now(UTC).date()))


def played(scene: Scene) -> dict[str, Line]:
    """The scene on a stack of its own; what was seen, by alert."""
    with tempfile.TemporaryDirectory() as name, no_home_left(Path(name, "postgres"), Path(name, "redis")):
        folder = Path(name)
        with (
            Ward(folder, speed=scene.speed, environment=scene.environment) as ward,
            watching(folder, ward.targets) as watch,
        ):
            record = Record(watch)
            scene.play(ward, record)
            _await_questions(ward)
            return record.lines


def _await_questions(ward: Ward) -> None:
    """That an alert is silent does not say that students are served: a new student gets a first batch."""
    student = Student(ward.api_url)
    student.begin({"track": "scientific"}, prefer="respond-async")
    deadline = time.monotonic() + SERVED_WITHIN_S
    while student.ask(0, timeout_s=5).status_code != httpx2.codes.OK:
        if time.monotonic() > deadline:
            raise DrillFailed(f"Nobody is written questions {SERVED_WITHIN_S} s after the remedy.")
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
