"""python -m tests.support.hostile_clients: what other clients notice while one holds or floods the HTTP server.

Each attack meets a server process of its own, without a database, and runs in a process of its own. Meanwhile
`/healthz` is asked over new connections, five times a second. Printed: how many probes were answered within a
second, the slowest, and how many of the attacker's connections the server still held at the end.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from tests.integration.api.bare import HEALTH, STREAM

PROBE_PERIOD_S = 0.2
ANSWERED_WITHIN_S = 1.0
PROBE_TIMEOUT_S = 6.0
CHUNKED = HEALTH + b"Transfer-Encoding: chunked\r\n\r\n"
POST = b"POST /api/exams HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

Attack = Callable[[int, float], None]


def _connected(port: int, count: int) -> Iterator[socket.socket]:
    for _ in range(count):
        with contextlib.suppress(OSError):
            yield socket.create_connection(("127.0.0.1", port), timeout=5)


def hold(count: int, sent: bytes) -> Attack:
    """Open so many connections, send this on each, and never read."""

    def attack(port: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        held = []
        for connection in _connected(port, count):
            with contextlib.suppress(OSError):
                connection.sendall(sent)
            held.append(connection)
        time.sleep(max(0.0, until - time.monotonic()))

    return attack


def flood(count: int, head: bytes, piece: bytes) -> Attack:
    """Send a head on each, and then this piece, as fast as it is taken."""
    return _sending(count, head, piece, pause_s=0)


def drip(count: int, head: bytes, piece: bytes) -> Attack:
    """Send a head, or its beginning, on each, and then this piece once a second."""
    return _sending(count, head, piece, pause_s=1)


def _sending(count: int, head: bytes, piece: bytes, pause_s: float) -> Attack:
    def attack(port: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        waiting = selectors.DefaultSelector()
        for connection in _connected(port, count):
            connection.sendall(head)
            connection.setblocking(False)
            waiting.register(connection, selectors.EVENT_WRITE)
        while time.monotonic() < until:
            time.sleep(pause_s if waiting.get_map() else PROBE_PERIOD_S)
            for key, _ in waiting.select(0.1):
                try:
                    key.fileobj.send(piece)  # type: ignore[union-attr]
                except BlockingIOError:
                    continue
                except OSError:  # hung up on
                    waiting.unregister(key.fileobj)

    return attack


ATTACKS: dict[str, tuple[Attack, int | None]] = {
    "16 endless bodies": (flood(16, CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"), None),
    "48 endless bodies": (flood(48, CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"), None),
    "200 endless bodies": (flood(200, CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"), None),
    "200 endless bodies, byte by byte": (flood(200, CHUNKED, b"1\r\nx\r\n" * 10_000), None),
    "3,000 silent": (hold(3_000, b""), None),
    "400 silent, 256 files": (hold(400, b""), 256),
    "400 event streams, 256 files": (hold(400, STREAM), 256),
    "3,500 heads without end": (hold(3_500, HEALTH), None),
    "200 dripping heads": (drip(200, HEALTH, b"x"), None),
    "200 dripping bodies": (drip(200, POST, b"1\r\nx\r\n"), None),
    "400 dripping bodies, 256 files": (drip(400, POST, b"1\r\nx\r\n"), 256),
    "1,049 event streams of one user": (hold(1_049, STREAM), None),
    "200 that never read": (hold(200, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 15), None),
}


@contextmanager
def server(files: int | None) -> Iterator[tuple[psutil.Process, int]]:
    def limited() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    environment = os.environ | {"TAFAWOQ_ENV": "development"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.api.bare"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        preexec_fn=limited,  # noqa: PLW1509 - no threads are running
    )
    try:
        assert process.stdout is not None
        yield psutil.Process(process.pid), int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def probe(port: int) -> float:
    """Seconds until `/healthz` was answered with 200 over a new connection; infinite when it was not."""
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PROBE_TIMEOUT_S) as connection:
            connection.sendall(HEALTH + b"Connection: close\r\n\r\n")
            is_well = connection.recv(12) == b"HTTP/1.1 200"
    except OSError:
        is_well = False
    return time.monotonic() - began if is_well else float("inf")


def met(attack: Attack, files: int | None, seconds: float) -> str:
    with server(files) as (process, port):
        while probe(port) > ANSWERED_WITHIN_S:
            time.sleep(PROBE_PERIOD_S)
        attacking = multiprocessing.Process(target=attack, args=(port, 3 * seconds), daemon=True)
        attacking.start()
        taken = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            taken.append(probe(port))
            held = len(process.net_connections("tcp")) - 1
            time.sleep(PROBE_PERIOD_S)
        attacking.kill()
        attacking.join()
    in_time = sum(each <= ANSWERED_WITHIN_S for each in taken)
    return f"{in_time} of {len(taken)} probes within 1 s, slowest {max(taken):.2f} s; held at the end: {held}"


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8_192)), hard))
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    for name in sys.argv[2:] or ATTACKS:
        print(f"{name}: {met(*ATTACKS[name], seconds)}", flush=True)


if __name__ == "__main__":
    main()
