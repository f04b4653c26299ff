"""python -m tools.studies.soak.attacks: what one caller can do to stop everybody, at stated rates, or harmless calls.

Each attack has a rate (strikes a minute), a weight (how many calls or connections a strike is) and the harmless calls
that take its place: the same number of `GET /healthz`, or of PING to Redis. At its end the process prints one line of
JSON: strikes and errors by attack. REDIS_URL, SOAK_TOKEN (of the attacker, valid) and SOAK_UNKNOWN_TOKEN (signed with
a key that nobody published) come from the environment.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx2
import redis as redis_client

from tools.chaos.harm import kill_connections, poison_messages, publish_to_workers, push_to_queues

_TIMEOUT_S = 30
_HOLD_S = 20
_PIECE = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
_CHUNKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Target:
    api: str
    redis: str
    token: str  #: of a user of the attacker's own
    unknown_token: str  #: signed with a key that nobody published
    session_id: str = ""

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.api)
        return str(parts.hostname), int(parts.port or 80)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Attack:
    name: str
    per_minute: float
    weight: int  #: calls or connections of one strike
    strike: Callable[[Target, int], None]  #: with the number of the strike
    is_redis: bool = False


def long_path(target: Target, _: int) -> None:
    httpx2.get(f"{target.api}/api/exams/{'-eyJ' * 7500}", timeout=_TIMEOUT_S)


def many_quotes(target: Target, _: int) -> None:
    headers = target.headers() | {"Prefer": '\\"' * 10_000}
    httpx2.post(f"{target.api}/api/exams", headers=headers, json={"track": "x"}, timeout=_TIMEOUT_S)


def endless_bodies(target: Target, _: int) -> None:
    until = time.monotonic() + _HOLD_S
    with _connected(target, 16) as connections:
        for connection in connections:
            connection.sendall(_CHUNKED)
            connection.setblocking(False)
        while time.monotonic() < until:
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.send(_PIECE)
            time.sleep(0.002)


def silent_sockets(target: Target, _: int) -> None:
    with _connected(target, 500):
        time.sleep(_HOLD_S)


def event_streams(target: Target, _: int) -> None:
    call = f"GET /api/exams/{target.session_id}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.token}\r\n\r\n"
    with _connected(target, 100) as connections:
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sendall(call.encode())
        time.sleep(_HOLD_S)


def unknown_keys(target: Target, _: int) -> None:
    headers = {"Authorization": f"Bearer {target.unknown_token}"}
    _at_once(4, lambda: httpx2.get(f"{target.api}/api/exams/x", headers=headers, timeout=_TIMEOUT_S))


def equal_calls(target: Target, _: int) -> None:
    url = f"{target.api}/api/exams/{target.session_id}/questions"
    _at_once(
        12, lambda: httpx2.post(url, headers=target.headers(), json={"batchIndex": 0}, timeout=_TIMEOUT_S)
    )


def kill_pubsub(target: Target, _: int) -> None:
    kill_connections(target.redis, "pubsub")


def poison_queues(target: Target, number: int) -> None:
    texts = list(poison_messages())
    push_to_queues(target.redis, [texts[number % len(texts)]])


def poison_workers(target: Target, number: int) -> None:
    texts = list(poison_messages())
    publish_to_workers(target.redis, [texts[number % len(texts)]])


ATTACKS: tuple[Attack, ...] = (
    Attack("H1 30 KB path without a token", 6, 1, long_path),
    Attack("H2 20 KB of quotes in Prefer", 6, 1, many_quotes),
    Attack("H3 16 endless bodies for 20 s", 1, 16, endless_bodies),
    Attack("H4 500 silent sockets for 20 s", 1, 500, silent_sockets),
    Attack("H5 100 event streams of one user for 20 s", 1, 100, event_streams),
    Attack("H6, H7 4 unknown kids at once; the key endpoint fails in turn", 30, 4, unknown_keys),
    Attack("H8 kill of every subscription", 1, 1, kill_pubsub, is_redis=True),
    Attack("H9, H11 unreadable message in both queues", 12, 2, poison_queues, is_redis=True),
    Attack("H9, H10 unreadable message or command to every worker", 12, 1, poison_workers, is_redis=True),
    Attack("H28 12 equal calls at once", 6, 12, equal_calls),
)


def harmless(attack: Attack) -> Callable[[Target, int], None]:
    """As many calls that harm nobody, one after another."""

    def call(target: Target, _: int) -> None:
        if attack.is_redis:
            with redis_client.Redis.from_url(target.redis) as client:
                for _each in range(attack.weight):
                    client.ping()
            return
        with httpx2.Client(timeout=_TIMEOUT_S) as api:
            for _each in range(attack.weight):
                api.get(f"{target.api}/healthz")

    return call


class Striker(threading.Thread):
    """One attack, at its rate, until `ending` is set."""

    def __init__(
        self, attack: Attack, strike: Callable[[Target, int], None], target: Target, ending: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self.counts: Counter[str] = Counter()
        self._attack = attack
        self._strike = strike
        self._target = target
        self._ending = ending

    def run(self) -> None:
        period_s = _MINUTE_S / self._attack.per_minute
        began = time.monotonic()
        for number in count():
            if self._ending.wait(max(0.0, began + number * period_s - time.monotonic())):
                return
            self._one(number)

    def _one(self, number: int) -> None:
        try:
            self._strike(self._target, number)
        except (OSError, httpx2.HTTPError, redis_client.RedisError) as err:
            self.counts[type(err).__name__] += 1
        self.counts["strikes"] += 1


@contextlib.contextmanager
def _connected(target: Target, number: int) -> Iterator[Sequence[socket.socket]]:
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(number):
            with contextlib.suppress(OSError):
                connections.append(stack.enter_context(socket.create_connection(target.address, timeout=5)))
        yield connections


def _at_once(number: int, call: Callable[[], object]) -> None:
    def quietly() -> None:
        with contextlib.suppress(httpx2.HTTPError):
            call()

    threads = [threading.Thread(target=quietly, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    given = _parser().parse_args()
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    target = Target(
        given.api, os.environ["REDIS_URL"], os.environ["SOAK_TOKEN"], os.environ["SOAK_UNKNOWN_TOKEN"]
    )
    target = replace(target, session_id=_session(target))
    strikers = [Striker(each, _chosen(given.kind, each), target, ending) for each in ATTACKS]
    for striker in strikers:
        striker.start()
    ending.wait(given.seconds)
    ending.set()
    for striker in strikers:
        striker.join(_TIMEOUT_S)
    counts = {each.name: dict(striker.counts) for each, striker in zip(ATTACKS, strikers, strict=True)}
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0


def _session(target: Target) -> str:
    headers = target.headers() | {"Prefer": "respond-async"}
    body = {"track": "scientific"}
    while True:
        created = httpx2.post(f"{target.api}/api/exams", headers=headers, json=body, timeout=_TIMEOUT_S)
        if created.status_code == httpx2.codes.CREATED:
            return str(created.json()["id"])
        time.sleep(1)


def _chosen(kind: str, attack: Attack) -> Callable[[Target, int], Any]:
    return attack.strike if kind == "hostile" else harmless(attack)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.studies.soak.attacks", description=__doc__)
    parser.add_argument("kind", choices=("hostile", "harmless"))
    parser.add_argument("--api", required=True, help="its address")
    parser.add_argument("--seconds", type=float, default=_MINUTE_S)
    return parser


if __name__ == "__main__":
    sys.exit(main())
