"""python -m chaos.one_winner: a thousand requests for one batch at once, over four API processes.

One of them starts the batch. The others must be told 409 and Retry-After quickly; how quickly is read from
the doors' own metrics, from the request to the end of its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from uuid import uuid4

import httpx2

from chaos import audit
from chaos.system import System

_ROUTE = "/api/exams/{session_id}/questions"
_BUCKET = re.compile(r"tafawoq_http_request_duration_seconds_bucket\{(.*)\} (\S+)")
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
        answers, shares = asyncio.run(_race(doors, given.requests))
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
        f"answered within, by the doors' own clocks: {shares}\n"
    )
    right = answers == Counter({"409 with Retry-After": given.requests - 1, "200": 1})
    return 0 if right and (runs, calls) == (1, 10) else 1


async def _race(doors: list[str], requests: int) -> tuple[Counter[str], dict[str, str]]:
    user = {"X-User-Id": str(uuid4())}
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(headers=user, timeout=_PATIENCE_S, limits=limits) as client:
        made = await client.post(f"{doors[0]}/api/exams", json={"track": "scientific"})
        path = f"/api/exams/{made.json()['id']}/questions"
        before = [await _buckets(client, door) for door in doors]
        answers = await asyncio.gather(
            *(
                client.post(f"{doors[number % len(doors)]}{path}", json={"batchIndex": 1})
                for number in range(requests)
            )
        )
        after = [await _buckets(client, door) for door in doors]
    told = Counter(_told(answer) for answer in answers)
    total: Counter[str] = Counter()
    for old, new in zip(before, after, strict=True):
        total.update({bound: new[bound] - old.get(bound, 0) for bound in new})
    return told, {
        f"{bound} s": f"{count / requests:.1%}" for bound, count in total.items() if bound != "+Inf"
    }


def _told(answer: httpx2.Response) -> str:
    if answer.status_code == httpx2.codes.CONFLICT and "Retry-After" in answer.headers:
        return "409 with Retry-After"
    return str(answer.status_code)


async def _buckets(client: httpx2.AsyncClient, door: str) -> dict[str, int]:
    """How many calls of the route were answered within each bound."""
    page = (await client.get(f"{door}/metrics")).text
    found: dict[str, int] = {}
    for labels, count in _BUCKET.findall(page):
        if f'route="{_ROUTE}"' in labels:
            found[labels.partition('le="')[2].partition('"')[0]] = int(float(count))
    return found


if __name__ == "__main__":
    sys.exit(main())
