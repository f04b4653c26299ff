"""python -m tools.bench.one_winner: fifty equal requests for one batch at once, at one API process.

One of them starts the batch. The others get 409 with Retry-After. Every API process has started a
batch before, and every request has its open connection before the first is sent; then all are sent, at the same
instant or spread evenly over `--spread-s` seconds. How long a loser took stands in the API processes' own logs, twice:
from the moment the process has read its first bytes to the end of the answer, which is all its waiting in
there; and without its place in the queue for the processor, until its turn came. What an API process has not read yet
waits in the kernel: only the client sees that, and its figures hold its own waiting for the processor, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from tools.chaos import audit
from tools.chaos.system import System

_ROUTE = "/api/exams/{session_id}/questions"
_TIMEOUT_S = 120
_LOST = "409 with Retry-After"
_BODY = b'{"batchIndex": 1}'
_PRACTICE = {"section": "quantitative", "categories": ["algebra"], "difficulty": "easy", "questionCount": 10}


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: str
    took_ms: int  #: as the client saw it, from its sending


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.one_winner", description=__doc__)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--apis", type=int, default=1, help="so many API processes")
    parser.add_argument("--spread-s", type=float, default=0, help="send them over so many seconds")
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="tafawoq-winner-"))
    # One user makes all the requests: their limit would refuse most of them before they are tried.
    system = System(directory, speed=0.4, seed=1, environment={"API_CALLS_PER_MINUTE": "0"})
    try:
        system.start()
        apis = [system.api_url, *(system.add_api() for _ in range(given.apis - 1))]
        answers = asyncio.run(_race(apis, given.requests, spread_s=given.spread_s))
        [(runs, calls)] = audit.rows(
            system.postgres.url,
            "SELECT max(runs), (SELECT sum(asked) FROM generation.attempts WHERE session_id = plans.session_id "
            "AND batch_index = 1 AND purpose = 'write') FROM generation.batches JOIN generation.plans USING (session_id) "
            "WHERE kind = 'exam' AND batch_index = 1 GROUP BY plans.session_id",
        )
    finally:
        system.stop()
    outcome = Counter(answer.outcome for answer in answers)
    sys.stdout.write(
        f"{given.requests} requests over {given.apis} API processes: {dict(outcome)}\n"
        f"runs of the batch: {runs}, questions asked for: {calls}\n"
        f"{_waits(system.logs)}\n"
        f"409, as the client saw it from its sending: {_figures(_losers_waits(answers))}\n"
        f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )
    right = outcome == Counter({_LOST: given.requests - 1, "200": 1})
    return 0 if right and (runs, calls) == (1, 10) else 1


async def _race(apis: Sequence[str], requests: int, *, spread_s: float) -> list[_Answer]:
    user = str(uuid4())
    headers = {"X-User-Id": user, "Prefer": f"wait={_TIMEOUT_S}"}
    async with httpx2.AsyncClient(headers=headers, timeout=_TIMEOUT_S) as client:
        await asyncio.gather(*(_warm(client, api) for api in apis))
        made = await client.post(f"{apis[0]}/api/exams", json={"track": "scientific"})
        path = f"/api/exams/{made.json()['id']}/questions"
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User-Id: {user}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    ).encode() + _BODY
    ports = [urlsplit(apis[number % len(apis)]).port for number in range(requests)]
    opened = [await asyncio.open_connection("127.0.0.1", port) for port in ports]
    asked = (
        _ask(*streams, request, after_s=spread_s * number / requests) for number, streams in enumerate(opened)
    )
    async with asyncio.timeout(_TIMEOUT_S):
        return await asyncio.gather(*asked)


async def _warm(client: httpx2.AsyncClient, api: str) -> None:
    """Have the API start a batch, so that it is not asked for the first time in its life."""
    made = await client.post(f"{api}/api/practice", json=_PRACTICE)
    asked = await client.post(f"{api}/api/practice/{made.json()['id']}/questions", json={"batchIndex": 1})
    asked.raise_for_status()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, *, after_s: float
) -> _Answer:
    """The answer to one request, and its time."""
    await asyncio.sleep(after_s)
    sent_at = time.perf_counter()
    writer.write(request)
    answer = await reader.read()
    took_ms = round((time.perf_counter() - sent_at) * 1000)
    writer.close()
    status = answer.split(maxsplit=2)[1].decode()
    return _Answer(f"{status} with Retry-After" if b"retry-after:" in answer.lower() else status, took_ms)


def _losers_waits(answers: Sequence[_Answer]) -> list[int]:
    return [answer.took_ms for answer in answers if answer.outcome == _LOST]


def _waits(logs: Path) -> str:
    """What the API processes' access logs say of the calls that lost."""
    lines = (line for log in logs.glob("api*.log") for line in log.read_text().splitlines())
    calls = [json.loads(line) for line in lines if _ROUTE in line]
    lost = [call for call in calls if call["status"] == httpx2.codes.CONFLICT]
    return (
        f"409, from first bytes read to the end of the answer: {_figures([call['ms'] for call in lost])}\n"
        "409, from the call's turn to the end of its answer: "
        + _figures([call["ms"] - call["queued_ms"] for call in lost])
    )


def _figures(took_ms: Sequence[int]) -> str:
    percent = statistics.quantiles(took_ms, n=100, method="inclusive")
    return f"p50 {percent[49]:.0f} ms, p99 {percent[98]:.0f} ms, at most {max(took_ms)} ms of {len(took_ms)}"


if __name__ == "__main__":
    sys.exit(main())
