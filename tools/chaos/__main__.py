"""python -m tools.chaos: exams over the whole system while its parts are killed, and what came of them.

Everything is drawn from the seed; the timing of a real machine is not, so two runs with one seed strike in
the same order but not at the same instruction. Ends with 0 when every assertion held.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
import tempfile
import threading
import time
from pathlib import Path

from tools.chaos import audit, faults, findings, report
from tools.chaos.conductor import Conductor
from tools.chaos.findings import Findings
from tools.chaos.students import Class
from tools.chaos.system import System

_FINISH_WITHIN_S = 600


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    directory = given.directory or Path(tempfile.mkdtemp(prefix="tafawoq-chaos-"))
    sys.stdout.write(f"Logs and data are in {directory}\n")
    found = run(given, directory)
    setup = report.Setup(
        seed=given.seed,
        exams=given.exams,
        duration_s=given.seconds,
        speed=given.speed,
        provider_faults=given.provider_faults,
        command=shlex.join(
            ["python", "-m", "tools.chaos", *(sys.argv[1:] if arguments is None else arguments)]
        ),
    )
    page = report.write(given.report or directory, given.name, setup, found)
    sys.stdout.write(f"\n{page.read_text()}\nReport: {page}\n")
    return 1 if found.failures else 0


def run(given: argparse.Namespace, directory: Path) -> Findings:
    """The whole run: start, hurt, let heal, judge."""
    system = System(directory, speed=given.speed, seed=given.seed, faults=given.provider_faults)
    try:
        system.start()
        audit.install(system.postgres.url)
        return _examine(system, given, directory)
    finally:
        system.stop()


def _examine(system: System, given: argparse.Namespace, directory: Path) -> Findings:
    amount = faults.Amount(
        kills=given.kills,
        redis_restarts=given.redis,
        redis_flushes=given.flushes,
        connection_drops=given.drops,
        postgres_restarts=given.postgres,
        pubsub_kills=given.pubsub,
        refusals=given.maxclients,
        poisonings=given.poison,
        read_only_spells=given.read_only,
    )
    plan = faults.draw(amount, duration_s=given.seconds, seed=given.seed, only=given.only)
    students = Class(
        system.api_url, given.exams, pace_s=given.seconds / 96, starting_s=min(given.seconds / 10, 20)
    )
    exam_session = threading.Thread(target=lambda: asyncio.run(students.sit()), daemon=True)
    conductor = Conductor(system, _say)
    exam_session.start()
    conductor.conduct(plan)
    deadline = time.monotonic() + _FINISH_WITHIN_S
    while exam_session.is_alive() and time.monotonic() < deadline:
        conductor.tend()
    url = system.postgres.url
    found = findings.judge(
        url,
        exams=given.exams,
        waits=students.waits,
        struck=conductor.struck,
        api_away=conductor.api_away,
        bill=system.bill(),
    )
    audit.keep(directory / "history.jsonl", [*audit.changes(url), *audit.writes(url)])
    found.demand(students.finished == given.exams, f"{students.finished} of {given.exams} students finished.")
    found.demand(not system.unexpected, f"Processes ended without being told to: {system.unexpected[:3]}")
    found.figures |= {
        "struck": findings.amounts(conductor.struck),
        "answers": dict(students.answers.most_common()),
        "faults": [
            {"kind": one.kind, "at": str(one.at), "ended_at": str(one.ended_at), "victim": one.victim}
            for one in conductor.struck
        ],
        "api_away": [[str(gone), str(back)] for gone, back in conductor.api_away],
        "api_starts_without_postgres": system.failed_starts,
        "unexpected_ends": len(system.unexpected),
    }
    return found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--exams", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=150, help="over which the faults are spread")
    parser.add_argument("--kills", type=int, default=40, help="of workers and of the API, by any signal")
    parser.add_argument("--only", type=faults.Kind, help="this kind of kill and no other")
    parser.add_argument("--redis", type=int, default=4, help="restarts of Redis")
    parser.add_argument("--flushes", type=int, default=2, help="of Redis")
    parser.add_argument("--drops", type=int, default=2, help="of every connection to Redis")
    parser.add_argument("--postgres", type=int, default=4, help="immediate restarts of Postgres")
    parser.add_argument("--pubsub", type=int, default=2, help="kills of every subscription in Redis")
    parser.add_argument("--maxclients", type=int, default=2, help="times that Redis takes no new connection")
    parser.add_argument("--poison", type=int, default=2, help="loads of unreadable messages")
    parser.add_argument("--read-only", type=int, default=2, help="times that Postgres takes no writes")
    parser.add_argument("--speed", type=float, default=4, help="the simulator's factor")
    parser.add_argument(
        "--provider-faults",
        default="overloaded:0.03,reset_early:0.02,cut:0.02,reset:0.02,error_event:0.01",
        help="as the simulator takes them; together a tenth of all calls",
    )
    parser.add_argument("--directory", type=Path, help="for logs and data; a temporary one by default")
    parser.add_argument("--report", type=Path, help="where the report goes; the directory by default")
    parser.add_argument("--name", default="chaos-report")
    return parser


if __name__ == "__main__":
    sys.exit(main())
