"""A worker whose loop stands still ends itself; one that waits, was stopped, or has lost Redis does not."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from tests.integration.worker.conftest import running_worker
from tests.integration.worker.test_foreign_messages import QUEUE, await_output, envelope
from tests.support.link import Link
from tools.stack.child import Child
from worker.watchdog import LOOP_STALLED_STATUS, STEP_WITHIN_S

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


#: In which a worker whose loop stands still ends.
WITHIN_S = 30


@pytest.fixture
def alive(tmp_path: Path) -> Path:
    return tmp_path / "alive"


@pytest.fixture
def freezable(tmp_path: Path, worker_env: dict[str, str], alive: Path) -> Iterator[Child]:
    """A worker whose loop stands still after SIGUSR2."""
    env = {**worker_env, "WORKER_ALIVE_FILE": str(alive)}
    with running_worker(tmp_path / "worker.log", env, "--include", "tests.support.frozen_loop") as child:
        yield child


@pytest.fixture
def link(redis_url: str) -> Iterator[Link]:
    server = urlsplit(redis_url)
    with Link(to=(server.hostname or "", server.port or 6379)) as link:
        yield link


@pytest.fixture
def far(tmp_path: Path, worker_env: dict[str, str], alive: Path, link: Link) -> Iterator[Child]:
    """A worker at the other end of a link to Redis."""
    url = worker_env["REDIS_URL"].replace(f":{urlsplit(worker_env['REDIS_URL']).port}/", f":{link.port}/")
    env = {**worker_env, "WORKER_ALIVE_FILE": str(alive), "REDIS_URL": url}
    with running_worker(tmp_path / "worker.log", env) as child:
        yield child


def until(happened: Callable[[], bool], what: str, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def touched_at(file: Path) -> float:
    return file.stat().st_mtime


@pytest.mark.timeout(120)
def test_a_worker_whose_loop_stands_still_ends_itself_and_says_where_it_stood(
    freezable: Child, alive: Path
) -> None:
    until(alive.exists, "no file", within_s=10)
    freezable.send(signal.SIGUSR2)
    assert freezable.wait(WITHIN_S) == LOOP_STALLED_STATUS, freezable.last_words()
    [said] = [json.loads(line) for line in freezable.output().splitlines() if "loop_stalled" in line]
    assert said["where"][0].endswith(" read_without_a_limit")
    assert not alive.exists() or time.time() - touched_at(alive) > STEP_WITHIN_S


@pytest.mark.timeout(120)
def test_a_worker_whose_loop_stands_still_ends_itself_although_it_was_told_to_end(
    freezable: Child, alive: Path
) -> None:
    """SIGTERM alone cannot reach it: what it asks for is done by the loop."""
    until(alive.exists, "no file", within_s=10)
    freezable.send(signal.SIGUSR2)
    until(lambda: time.time() - touched_at(alive) > 5, "the loop goes round", within_s=15)
    freezable.send(signal.SIGTERM)
    assert freezable.wait(100) == LOOP_STALLED_STATUS


@pytest.mark.timeout(120)
def test_a_worker_that_was_stopped_for_longer_than_its_loop_may_stand_still_goes_on(
    freezable: Child, alive: Path, redis_client: redis.Redis
) -> None:
    freezable.send(signal.SIGSTOP)
    time.sleep(STEP_WITHIN_S + 5)  # being stopped is what is tried
    stopped_until = time.time()
    freezable.send(signal.SIGCONT)
    until(lambda: touched_at(alive) > stopped_until, "no sign after it woke", within_s=10)
    message = envelope("generation.sweep")
    redis_client.lpush(QUEUE, json.dumps(message))
    await_output(freezable, message["headers"]["id"], after="it was stopped")


@pytest.mark.timeout(180)
def test_a_worker_lives_and_shows_it_while_redis_swallows_every_question(
    far: Child, alive: Path, link: Link, redis_client: redis.Redis
) -> None:
    link.go_dead()
    oldest_s = 0.0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert far.is_alive, far.last_words()
        oldest_s = max(oldest_s, time.time() - touched_at(alive))
        time.sleep(0.1)
    assert oldest_s < STEP_WITHIN_S
    assert "loop_stalled" not in far.output()
    link.come_back()
    message = envelope("generation.sweep")
    redis_client.lpush(QUEUE, json.dumps(message))
    until(lambda: message["headers"]["id"] in far.output(), far.last_words(), within_s=30)
