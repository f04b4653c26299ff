"""python -m tools.studies.soak: students take exam after exam for minutes, beside hostile clients or harmless ones.

`--clients hostile` does what attackers and broken clients do, at the rates of
tools.studies.soak.attacks; `--clients harmless` makes the same number of calls that harm nobody; `none` makes none.
Compare two runs: the students' waits, lost questions, descriptors and memory. Ends with 0 when nothing was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from tools.stack.stack import Stack, StackOptions
from tools.stack.stack_settings import StackSettings
from tools.studies.soak import report
from tools.studies.soak.hostile import ENDED_EARLY, Clients, OtherClients
from tools.studies.soak.measures import Sample, load_average, sample
from tools.studies.soak.signing_keys import SigningKeys
from tools.studies.soak.students import LoopingStudents

_SAMPLE_PERIOD_S = 10
#: After the last batch was asked for, for waits and calls under way.
_FINISH_WITHIN_S = 120


def main() -> int:
    given = _parser().parse_args()
    directory = given.directory or Path(tempfile.mkdtemp(prefix="tafawoq-soak-"))
    sys.stdout.write(f"Logs and data are in {directory}\n")
    with SigningKeys(is_hostile=given.clients is Clients.HOSTILE) as keys:
        settings = StackSettings(
            speed=given.speed, database_url=None, redis_url=None, anthropic_api_key=None, claude_base_url=None
        )
        options = StackOptions(
            directory=directory,
            free_ports=True,
            flower=True,
            environment={"SUPABASE_JWKS_URL": keys.url, "SUPABASE_JWKS_REFRESH_S": "10"},
        )
        with Stack(settings, options) as stack:
            return _soak(given, stack, keys, directory)


def _soak(given: argparse.Namespace, stack: Stack, keys: SigningKeys, directory: Path) -> int:
    began = time.monotonic()
    pace_s = given.pace / given.speed
    students = LoopingStudents(
        stack.api_url,
        given.students,
        pace_s=pace_s,
        starting_s=min(pace_s * 96, given.minutes * 20),
        keys=keys,
        until=began + given.minutes * 60,
    )
    taking = threading.Thread(target=lambda: asyncio.run(students.sit()), daemon=True)
    taking.start()
    keys.begin()
    samples: list[Sample] = []
    loads: list[float] = []
    with OtherClients(given.clients, stack, keys, students.until) as clients:
        while taking.is_alive() and time.monotonic() < students.until + _FINISH_WITHIN_S:
            taking.join(_SAMPLE_PERIOD_S)
            loads.append(load_average())
            samples += _samples(stack, began, students.batches)
            _say(report.progress(samples, students, loads[-1]))
    found = report.found(given, students, samples, loads, clients.counts, is_over=not taking.is_alive())
    (directory / "soak.json").write_text(json.dumps(found, indent=2) + "\n")
    _say(report.text(found, samples))
    failed = found["lost"] or found["twice"] or not found["is_over"] or ENDED_EARLY in clients.counts
    return 1 if failed else 0


def _samples(stack: Stack, began: float, batches: int) -> list[Sample]:
    at_s = time.monotonic() - began
    taken = [
        sample(name, child.pid, at_s=at_s, batches=batches)
        for name, child in stack.running().items()
        if child.is_alive
    ]
    return [each for each in taken if each is not None]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.studies.soak", description=__doc__)
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--speed", type=float, default=20, help="the simulator's factor, and the students'")
    parser.add_argument("--pace", type=float, default=60, help="seconds for a question, at speed 1")
    parser.add_argument("--clients", type=Clients, default=Clients.NONE, help="hostile, harmless or none")
    parser.add_argument("--directory", type=Path, help="for logs and data; a temporary one by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
