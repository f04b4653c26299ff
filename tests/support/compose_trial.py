"""The compose file, tried: `python -m tests.support.compose_trial` where docker and docker-compose are.

Brings the stack up under a project name of its own, takes an exam through it, kills each service in the middle of
a batch, looks at what each account may not do, and stops everything while questions are being written. Prints one
line a proof and ends with 1 at the first that fails. Ports 8000 and 5555 must be free; volumes are removed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.integration.stack.student import Student

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "COMPOSE_PROJECT_NAME": "tafawoq-trial", "SPEED": os.environ.get("SPEED", "1")}
API, FLOWER = "http://127.0.0.1:8000", "http://127.0.0.1:5555/flower"
SERVICES = ("postgres", "redis", "simulator", "api", "worker-interactive", "worker-prefetch", "flower")
TIMEOUT_S = 90


def main() -> int:
    try:
        compose("up", "-d", "--build")
        proven("every service is healthy", lambda: all(is_healthy(name) for name in SERVICES))
        take_exam()
        look_at_flower()
        try_what_is_forbidden()
        for name in SERVICES:
            kill_and_restart(name)
        stop_in_the_middle()
    finally:
        compose("down", "-v")
    return 0


def take_exam() -> None:
    student = Student(API)
    began = time.monotonic()
    questions = len(student.begin({"track": "scientific"})["questions"])
    for batch_index in range(1, 10):
        questions += len(student.take(batch_index))
    say(f"an exam of {questions} questions in {time.monotonic() - began:.0f} s")
    if questions != 96:
        fail("the exam is not whole")


def look_at_flower() -> None:
    expect("Flower asks for a password", 401, httpx2.get(f"{FLOWER}/").status_code)
    page = httpx2.get(f"{FLOWER}/api/tasks", auth=("operator", "tafawoq"))
    expect("Flower's API with it", 200, page.status_code)
    if "generation.generate_batch" not in page.text:
        fail("Flower does not know the exam's tasks")
    task = next(iter(page.json()))
    revoked = httpx2.post(f"{FLOWER}/api/task/revoke/{task}", auth=("operator", "tafawoq"))
    expect("Flower is read-only", 403, revoked.status_code)


def try_what_is_forbidden() -> None:
    sql = "psql -h 127.0.0.1 -U tafawoq_app -d tafawoq -v ON_ERROR_STOP=1 -c"
    environment = "PGPASSWORD=tafawoq-app"
    expect(
        "the application reads rows",
        0,
        inside("postgres", f"{environment} {sql} 'SELECT 1 FROM generation.plans'"),
    )
    for what in ("DROP TABLE generation.plans", "TRUNCATE generation.questions", "CREATE TABLE public.x ()"):
        if inside("postgres", f"{environment} {sql} '{what}'") == 0:
            fail(f"the application may {what}")
    say("the application may not change tables")
    redis = "REDISCLI_AUTH=$REDIS_WORKER_PASSWORD redis-cli --user tafawoq_worker"
    for what in ("FLUSHALL", "CONFIG SET maxmemory 1", "SET elsewhere 1", "SHUTDOWN"):
        refused = f"{redis} {what} 2>&1 | grep -q NOPERM"
        expect(f"Redis refuses {what}", 0, inside("redis", refused))
    expect("no command line shows Redis' password", 1, inside("redis", "ps -ef | grep -q '>tafaw[o]q'"))
    for name, secrets in {"api": "ANTHROPIC", "flower": "ANTHROPIC|DATABASE|POSTGRES"}.items():
        expect(f"{name} is not given {secrets}", 1, inside(name, f"env | grep -qE '{secrets}'"))


def kill_and_restart(name: str) -> None:
    """Kill it while a batch is written, start it again, and the batch becomes ready by itself."""
    student = Student(API)
    student.begin({"track": "literary"}, prefer="respond-async")
    compose("kill", name)
    compose("up", "-d", "--no-deps", name)
    began = time.monotonic()

    def whole() -> bool:
        try:
            return len(student.session()["questions"]) >= 10
        except (httpx2.HTTPError, KeyError, ValueError):
            return False

    proven(f"killed {name}, and the batch is whole", whole)
    say(f"  ... {time.monotonic() - began:.0f} s after its restart")
    proven(f"{name} is healthy again", lambda: is_healthy(name))


def stop_in_the_middle() -> None:
    for _ in range(3):
        Student(API).begin({"track": "scientific"}, prefer="respond-async")
    began = time.monotonic()
    compose("stop")
    codes = {name: state_of(name, "{{.State.ExitCode}}") for name in SERVICES}
    say(f"stopped while three batches were written, in {time.monotonic() - began:.0f} s: {codes}")
    ours = ("api", "worker-interactive", "worker-prefetch", "flower")
    if any(codes[name] != "0" for name in ours):
        fail("a service did not end by itself")
    compose("up", "-d")
    proven("after the stop every batch is finished", lambda: unfinished() == 0)


def unfinished() -> int:
    """Batches that are not ready; -1 when nobody answers."""
    query = "SELECT count(*) FROM generation.batches WHERE status <> 'ready'"
    psql = ("psql", "-h", "127.0.0.1", "-U", "tafawoq", "-d", "tafawoq", "-Atc", query)
    done = _run("docker-compose", "exec", "-T", "-e", "PGPASSWORD=tafawoq", "postgres", *psql)
    return int(done.stdout.strip() or -1)


def is_healthy(name: str) -> bool:
    return state_of(name, "{{.State.Health.Status}}") == "healthy"


def state_of(name: str, wanted: str) -> str:
    container = _run("docker-compose", "ps", "-q", name).stdout.strip()
    return _run("docker", "inspect", "--format", wanted, container).stdout.strip() if container else ""


def inside(name: str, command: str) -> int:
    return _run("docker-compose", "exec", "-T", name, "sh", "-c", command).returncode


def compose(*arguments: str) -> None:
    done = _run("docker-compose", *arguments)
    if done.returncode != 0:
        fail(f"docker-compose {' '.join(arguments)}: {done.stderr[-2000:]}")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def proven(sentence: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        if time.monotonic() > deadline:
            fail(f"not within {TIMEOUT_S} s: {sentence}")
        time.sleep(0.5)
    say(sentence)


def expect(sentence: str, wanted: int, got: int) -> None:
    if wanted != got:
        fail(f"{sentence}: {got} instead of {wanted}")
    say(sentence)


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def fail(sentence: str) -> None:
    sys.stderr.write(f"FAILED: {sentence}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
