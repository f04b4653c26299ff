"""Each alert against a real fault: `python -m tests.support.alert_drill [ALERT ...]`.

Without names it plays every scene and writes docs/alert-drill.md. Needs a `prometheus`; takes about a quarter of
an hour. Ends with 1 when an alert did not fire, or its remedy did not end it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.support.alert_drill.record import DrillFailed, Line, Record, page
from tests.support.alert_drill.scenes import SCENES, Scene
from tests.support.alert_drill.ward import Ward
from tests.support.alert_drill.watch import rules, watching
from tests.support.homes import no_home_left

PAGE = Path(__file__).resolve().parents[3] / "docs" / "alert-drill.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("alerts", nargs="*", choices=[rule["alert"] for rule in rules()], metavar="ALERT")
    wanted = set(parser.parse_args().alerts)
    lines: dict[str, Line] = {}
    try:
        for scene in SCENES:
            if not wanted or wanted & set(scene.alerts):
                lines |= played(scene)
    except DrillFailed as failed:
        sys.stderr.write(f"FAILED: {failed}\n")
        return 1
    if not wanted:
        PAGE.write_text(page(lines, day=datetime.now(UTC).date()))
    return 0


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
            return record.lines


if __name__ == "__main__":
    sys.exit(main())
