"""python -m chaos.one_winner: a thousand requests for one batch at once, over four API processes.

One of them starts the batch. The others must be told 409 and Retry-After quickly; how quickly stands in the
doors' own logs: from the moment a process has read a request's first bytes to the end of its answer, all that
it waits in there included. What it waits for outside, in the kernel or in this client, is not the door's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path
from uuid import uuid4

import httpx2

from chaos import audit
from chaos.system import System

_ROUTE = "/api/exams/{session_id}/questions"
_PATIENCE_S = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos.one_winner", description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--doors", type=int, default=4)
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="tafawoq-winner-"))
    # One user makes all the requests: his limit would refuse most of them before they are tried.
    system = System(directory, speed=0.4, seed=1, environment={"API_CALLS_PER_MINUTE": "0"})
    try:
        system.start()
        doors = [system.api_url, *(system.add_door() for _ in range(given.doors - 1))]
        answers = asyncio.run(_race(doors, given.requests))
        [(runs, calls)] = audit.rows(
            system.postgres.url,
            "SELECT max(runs), (SELECT sum(asked) FROM generation.attempts WHERE batch_index = 1) "
            "FROM generation.batches WHERE batch_index = 1",
        )
    finally:
        system.stop()
    sys.stdout.write(
        f"{given.requests} requests over {given.doors} doors: {dict(answers)}\n"
        f"runs of the batch: {runs}, questions asked for: {calls}\n"
        f"409 after, from the first bytes a door has read to the end of its answer: {_waits(system.logs)}\n"
        f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )
    right = answers == Counter({"409 with Retry-After": given.requests - 1, "200": 1})
    return 0 if right and (runs, calls) == (1, 10) else 1


async def _race(doors: list[str], requests: int) -> Counter[str]:
    user = {"X-User-Id": str(uuid4())}
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(headers=user, timeout=_PATIENCE_S, limits=limits) as client:
        made = await client.post(f"{doors[0]}/api/exams", json={"track": "scientific"})
        path = f"/api/exams/{made.json()['id']}/questions"
        answers = await asyncio.gather(
            *(
                client.post(f"{doors[number % len(doors)]}{path}", json={"batchIndex": 1})
                for number in range(requests)
            )
        )
    return Counter(_told(answer) for answer in answers)


def _told(answer: httpx2.Response) -> str:
    if answer.status_code == httpx2.codes.CONFLICT and "Retry-After" in answer.headers:
        return "409 with Retry-After"
    return str(answer.status_code)


def _waits(logs: Path) -> str:
    """What the doors' access logs say of the calls that lost."""
    lines = (line for log in logs.glob("api*.log") for line in log.read_text().splitlines())
    calls = (json.loads(line) for line in lines if _ROUTE in line)
    took = [call["ms"] for call in calls if call["status"] == httpx2.codes.CONFLICT]
    percent = statistics.quantiles(took, n=100, method="inclusive")
    return f"p50 {percent[49]:.0f} ms, p99 {percent[98]:.0f} ms, at most {max(took)} ms of {len(took)}"


if __name__ == "__main__":
    sys.exit(main())
