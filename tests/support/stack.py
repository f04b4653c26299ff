"""The whole system for a test: real servers, API, workers and simulator, each a process with a log.

with running_stack(tmp_path, "--reject-rate", "0.2") as stack:
    httpx2.post(f"{stack.api_url}/api/exams", ...)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.stack.processes import Worker
from tools.stack.stack import MADE_UP_STUDENTS, StackOptions
from tools.stack.stack import Stack as RunningStack
from tools.stack.stack_settings import StackSettings

#: Fast enough for tests, slow enough that something can happen in the middle of a reply.
TEST_SPEED = 20

TEST_WORKERS = (
    Worker("interactive", ("interactive",), concurrency=16),
    Worker("prefetch", ("interactive", "prefetch"), concurrency=16),
)


@contextmanager
def running_stack(
    directory: Path,
    *simulator_options: str,
    speed: float = TEST_SPEED,
    workers: Sequence[Worker] = TEST_WORKERS,
    database_url: str | None = None,
    redis_url: str | None = None,
    environment: Mapping[str, str] | None = None,
    flower: bool = False,
) -> Iterator[RunningStack]:
    """A stack on free ports; with no URLs given it has embedded servers of its own."""
    settings = StackSettings(
        speed=speed,
        database_url=database_url,
        redis_url=redis_url,
        anthropic_api_key=None,
        claude_base_url=None,
    )
    options = StackOptions(
        directory=directory,
        keep_data=False,
        durable=False,
        free_ports=True,
        workers=workers,
        simulator_options=simulator_options,
        environment={**MADE_UP_STUDENTS, **(environment or {})},
        flower=flower,
    )
    with RunningStack(settings, options) as stack:
        yield stack
