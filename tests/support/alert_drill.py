"""Alerts against real faults: `python -m tests.support.alert_drill`, where a `prometheus` is installed.

A real Prometheus scrapes a real stack with the rules of ops/ (their windows shortened to seconds). For each alert:
its expression is false, a fault is injected, it is true; the runbook's remedy, and it is false again.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psycopg
import redis
import yaml

from runtime.stack import Stack
from runtime.tcp import free_port
from tests.integration.stack.student import Student
from tests.support.stack import TEST_WORKERS, running_stack

RULES = Path(__file__).resolve().parents[2] / "ops" / "prometheus" / "alerts.yml"
PATIENCE_S = 120
#: What a drill has no time for.
SHORTER = {"[5m]": "[20s]", "[10m]": "[20s]", "[15m]": "[20s]", "offset 10m": "offset 20s", "> 60": "> 12"}


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), speed=20) as stack,
        watched(stack, Path(folder)) as drill,
    ):
        for fault in (workers_gone, redis_frozen, postgres_closed, door_frozen):
            fault(stack, drill)
    return 0


class Drill:
    def __init__(self, url: str, targets: Path) -> None:
        self._url = url
        self._targets = targets
        [group] = yaml.safe_load(RULES.read_text())["groups"]
        self._expressions = {rule["alert"]: shortened(rule["expr"]) for rule in group["rules"]}

    def aim(self, stack: Stack) -> None:
        """Tell Prometheus where to look: a restarted worker has another port."""
        jobs = {"api": [stack.api_url], "worker": list(stack.metrics_urls.values())}
        for job, urls in jobs.items():
            targets = [{"targets": [urlsplit(url).netloc for url in urls]}]
            (self._targets / f"{job}.json").write_text(json.dumps(targets))

    def holds(self, alert: str) -> bool:
        query = {"query": self._expressions[alert]}
        answer = httpx2.get(f"{self._url}/api/v1/query", params=query, timeout=10).json()
        return bool(answer["data"]["result"])

    def expect(self, alert: str, *, true: bool, because: str) -> None:
        began = time.monotonic()
        while self.holds(alert) is not true:
            if time.monotonic() - began > PATIENCE_S:
                sys.exit(f"FAILED: {alert} is still {not true} {PATIENCE_S} s after: {because}")
            time.sleep(1)
        said = (
            f"{alert:18}{'true ' if true else 'false'} {time.monotonic() - began:4.0f} s after: {because}\n"
        )
        sys.stdout.write(said)
        sys.stdout.flush()


def shortened(expr: str) -> str:
    for long, short in SHORTER.items():
        expr = expr.replace(long, short)
    return expr


@contextmanager
def watched(stack: Stack, folder: Path) -> Iterator[Drill]:
    port = free_port()
    jobs = [
        {
            "job_name": job,
            "file_sd_configs": [{"files": [str(folder / f"{job}.json")], "refresh_interval": "1s"}],
        }
        for job in ("api", "worker")
    ]
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "2s"}, "scrape_configs": jobs}))
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb"]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        drill = Drill(f"http://127.0.0.1:{port}", folder)
        drill.aim(stack)
        while not re.search("ready to receive", (folder / "prometheus.log").read_text()):
            time.sleep(0.5)
        yield drill
    finally:
        process.terminate()
        process.wait()


def workers_gone(stack: Stack, drill: Drill) -> None:
    for alert in ("NoWorker", "StudentsWait", "DoorAway", "RedisAway", "PostgresAway"):
        drill.expect(alert, true=False, because="nothing: all is well")
    for spec in TEST_WORKERS:
        child = stack.children.pop(spec.name)
        child.send(signal.SIGKILL)
        child.stop(grace_s=1)
    Student(stack.api_url).begin({"track": "scientific"}, prefer="respond-async")
    drill.expect("NoWorker", true=True, because="every worker was killed")
    drill.expect("StudentsWait", true=True, because="a student asked, and nobody works")
    for spec in TEST_WORKERS:
        stack.start_worker(spec)
    drill.aim(stack)
    drill.expect("NoWorker", true=False, because="workers were started")
    drill.expect("StudentsWait", true=False, because="workers were started")


def redis_frozen(stack: Stack, drill: Drill) -> None:
    with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        drill.expect("RedisAway", true=True, because="Redis was frozen")
    finally:
        os.kill(pid, signal.SIGCONT)
    drill.expect("RedisAway", true=False, because="Redis was thawed")


def postgres_closed(stack: Stack, drill: Drill) -> None:
    url = urlsplit(stack.environment["DATABASE_URL"])
    name = url.path.strip("/")
    elsewhere = url._replace(path="/template1").geturl()
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        drill.expect("PostgresAway", true=True, because="Postgres let nobody in")
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    drill.expect("PostgresAway", true=False, because="Postgres let everybody in")


def door_frozen(stack: Stack, drill: Drill) -> None:
    api = stack.children["api"]
    api.send(signal.SIGSTOP)
    drill.expect("DoorAway", true=True, because="the API was frozen")
    api.send(signal.SIGCONT)
    drill.expect("DoorAway", true=False, because="the API was thawed")


if __name__ == "__main__":
    sys.exit(main())
