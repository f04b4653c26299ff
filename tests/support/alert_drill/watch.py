"""A real Prometheus that scrapes a stack, and what the alerts of ops/ say of it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import yaml

from tools.stack.ports import free_port

RULES = Path(__file__).resolve().parents[3] / "ops" / "prometheus" / "alerts.yml"
#: What a drill has no time for, and how long it is there.
WINDOW = "20s"
SHORTER = {r"\[\d+[mh]\]": f"[{WINDOW}]", r"offset \d+[mh]": f"offset {WINDOW}", r"> (60|3600)\b": "> 12"}

_FEW = 5

#: What a share is when there is nothing to share: it is below every bound, and says nothing.
NOTHING = "0 of 0"

#: Where to scrape, by job.
Targets = Callable[[], Mapping[str, Sequence[str]]]


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def shortened(expr: str) -> str:
    for long, short in SHORTER.items():
        expr = re.sub(long, short, expr)
    return expr.strip()


def left_side(expr: str) -> str:
    """What an alert compares, where it makes one comparison; else the whole of it."""
    compared = re.fullmatch(r"(.*?)\s(?:>|<|==)\s[\d.]+(?:\s+and\s.*)?", expr, flags=re.DOTALL)
    return compared[1] if compared and not re.search(r"[>=<] [\d.]+\s+or\s", expr) else expr


class Subscription:
    """What the running Prometheus answers."""

    def __init__(self, url: str, folder: Path, targets: Targets) -> None:
        self._url = url
        self._folder = folder
        self._targets = targets
        self._expressions = {rule["alert"]: shortened(rule["expr"]) for rule in rules()}

    def aim(self) -> None:
        """Tell Prometheus where to look: a restarted worker has another port."""
        for job, urls in self._targets().items():
            targets = json.dumps([{"targets": [urlsplit(url).netloc for url in urls]}])
            path = self._folder / f"{job}.json"
            if not path.exists() or path.read_text() != targets:
                path.write_text(targets)

    def holds(self, alert: str) -> bool:
        """Whether the alert's expression is true now."""
        self.aim()
        return bool(self._ask(self._expressions[alert]))

    def value(self, alert: str) -> str:
        """The largest value of what the alert compares."""
        values = self._ask(left_side(self._expressions[alert]))
        if not values:
            return "none"
        numbers = [value for value in values if value == value]  # noqa: PLR0124  -- leaves out NaN
        return f"{max(numbers):.3g}" if numbers else NOTHING

    def scraped(self) -> bool:
        """Whether every target has answered a few times: a counter is seen to rise only from there."""
        self.aim()
        wanted = sum(map(len, self._targets().values()))
        return len(self._ask(f"up == 1 and count_over_time(up[{WINDOW}]) >= {_FEW}")) >= wanted

    def _ask(self, query: str) -> list[float]:
        answer = httpx2.get(f"{self._url}/api/v1/query", params={"query": query}, timeout=10).json()
        return [float(series["value"][1]) for series in answer["data"]["result"]]


@contextmanager
def watching(folder: Path, targets: Targets) -> Iterator[Subscription]:
    """Needs a `prometheus` on the path."""
    port, log = free_port(), folder / "prometheus.log"
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_configuration(folder, targets())))
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb"]
    command.append(f"--web.listen-address=127.0.0.1:{port}")
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        while "ready to receive" not in log.read_text():
            if process.poll() is not None:
                raise RuntimeError(f"Prometheus did not start: {log.read_text()[-500:]}")
            time.sleep(0.1)
        yield Subscription(f"http://127.0.0.1:{port}", folder, targets)
    finally:
        process.terminate()
        process.wait()


def _configuration(folder: Path, jobs: Mapping[str, object]) -> dict[str, Any]:
    scraped = [
        {
            "job_name": job,
            "file_sd_configs": [{"files": [str(folder / f"{job}.json")], "refresh_interval": "1s"}],
        }
        for job in jobs
    ]
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": scraped}
