"""python -m tools.chaos.redis_loss: Redis is emptied, killed and restarted while fifty batches are being written.

Every batch must be complete, once: ten questions, no position twice, and no call for a slot that was filled.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import httpx2

from tools.chaos import audit
from tools.chaos.model import violations
from tools.chaos.system import System

_WITHIN_S = 180

_RUNNING = "SELECT count(*) FROM generation.batches WHERE status = 'running'"
_WHOLE = """
SELECT count(*) FILTER (WHERE status = 'ready'), count(*), max(runs),
  (SELECT count(*) FROM generation.questions), (SELECT sum(accepted) FROM generation.attempts)
FROM generation.batches
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos.redis_loss", description=__doc__)
    parser.add_argument("--batches", type=int, default=50)
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="tafawoq-redis-"))
    # One call a batch, so that all of them are in the middle when Redis goes.
    system = System(directory, speed=2, seed=1, environment={"GENERATION_LANES": "1"})
    try:
        system.start()
        audit.install(system.postgres.url)
        url = system.postgres.url
        asyncio.run(_begin(system.api_url, given.batches))
        running = _until(url, _RUNNING, given.batches)
        system.flush_redis()
        system.redis.kill(signal.SIGKILL, away_s=2)
        system.flush_redis()
        _until(url, "SELECT count(*) FROM generation.batches WHERE status = 'ready'", given.batches)
        [(ready, batches, runs, questions, accepted)] = audit.rows(url, _WHOLE)
        broken = violations(audit.changes(url), audit.writes(url))
    finally:
        system.stop()
    sys.stdout.write(
        f"{running} batches were running when Redis was emptied and killed; {ready} of {batches} are ready, "
        f"at most {runs} runs of one; {questions} questions, {accepted} accepted; {len(broken)} violations\n"
    )
    sound = (ready, questions, int(accepted)) == (given.batches, given.batches * 10, given.batches * 10)
    return 0 if sound and not broken else 1


async def _begin(url: str, batches: int) -> None:
    async with httpx2.AsyncClient(timeout=60) as client:
        await asyncio.gather(
            *(
                client.post(
                    f"{url}/api/exams",
                    json={"track": "scientific"},
                    headers={"X-User-Id": str(uuid4()), "Prefer": "respond-async"},
                )
                for _ in range(batches)
            )
        )


def _until(url: str, query: str, wanted: int) -> int:
    """What the query counts when it is `wanted`, or when the time is over."""
    deadline = time.monotonic() + _WITHIN_S
    while (found := int(audit.rows(url, query)[0][0])) < wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


if __name__ == "__main__":
    sys.exit(main())
