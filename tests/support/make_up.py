"""`make up` for a test: its command in a process of its own, what it says, and the processes that it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.homes import no_home_left
from tools.stack.ports import free_port
from tools.stack.processes import PROJECT

TIMEOUT_S = 180
_LAST_LINE = "Ctrl-C stops everything; the data stay."
_THEIRS = {"DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "TAFAWOQ_ENV", "CLAUDE_BASE_URL"}

#: Each process by what its command line holds, in the order in which the stack needs them.
COMMANDS = {
    "Postgres": "/postgres -D",
    "Redis": "-server 127.0.0.1:",  # redis-server or valkey-server
    "simulator": "-m tools.simulator",
    "api": "-m api",
    "worker interactive": "-n interactive@",
    "worker prefetch": "-n prefetch@",
    "flower": "worker.app flower",
}


def environment(data: Path) -> dict[str, str]:
    """Of a bare machine, with ports of our own."""
    kept = {name: value for name, value in os.environ.items() if name not in _THEIRS}
    ports = {name: str(free_port()) for name in ("API_PORT", "SIMULATOR_PORT", "FLOWER_PORT")}
    return {**kept, **ports, "DATA_DIR": str(data), "SPEED": "20"}


class MakeUp:
    """One that runs. What it writes to either stream is kept."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def await_line(self, pattern: str, *, count: int = 1) -> None:
        """Return when so many lines match. Fails when it ends before that, or after TIMEOUT_S."""

        def is_there() -> bool:
            return sum(re.search(pattern, line) is not None for line in self.lines) >= count

        deadline = time.monotonic() + TIMEOUT_S
        with self._changed:
            while not is_there():
                assert self.process.poll() is None, f"it ended without {pattern!r}:\n{self.said}"
                assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.said}"
                self._changed.wait(0.5)

    def await_ready(self) -> None:
        self.await_line(re.escape(_LAST_LINE))

    def address(self, label: str) -> str:
        """The first address that it printed after this label."""
        found = re.search(rf"^{label} +(\S+://\S+)", self.said, re.MULTILINE)
        assert found is not None, self.said
        return found[1]

    def pids(self) -> dict[str, int]:
        """Its running processes by name."""
        commands = {pid: _command(pid) for pid in self._children()}
        return {
            name: pid
            for name, part in COMMANDS.items()
            for pid, command in commands.items()
            if part in command
        }

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Its exit status after the signal, when all that it said is in `lines`."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(TIMEOUT_S)
        deadline = time.monotonic() + 10
        while self.process.stdout is not None and not self.process.stdout.closed:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return status

    def _children(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()


@contextmanager
def making_up(settings: dict[str, str]) -> Iterator[MakeUp]:
    """`make up` with these settings; killed at the end, if it still runs."""
    data = Path(settings["DATA_DIR"])
    with (
        no_home_left(data / "postgres", data / "redis"),
        subprocess.Popen(
            # As a script's shell starts what it puts in the background.
            ["sh", "-c", "trap '' INT; exec \"$0\" -m tools.stack", sys.executable],
            cwd=PROJECT,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            yield MakeUp(process)
        finally:
            process.kill()


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:  # it ended a moment ago
        return ""


def runs(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
