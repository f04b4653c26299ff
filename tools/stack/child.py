"""A process of ours: its output goes to a file, Ctrl-C does not reach it, and it does not outlive us."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tools.stack import child_bootstrap

_LOOK_AGAIN_S = 0.02
_SHOWN_LINES = 12
_SHOWN_CHARACTERS = 300


class StartFailed(Exception):
    """A process did not start; the message says why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a server runs as."""

    name: str
    uid: int
    gid: int


class Child:
    """One process in a process group of its own.

    Linux ties its life to the *thread* that started it: start children from a thread that stays.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._log_start = log_start
        self._started_at = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def how_it_ended(self) -> str:
        """As a predicate: `ended with status 3`, `was ended by SIGKILL`."""
        status = self._process.poll()
        if status is None:
            return "still runs"
        return f"ended with status {status}" if status >= 0 else f"was ended by {_signal_name(-status)}"

    def wait(self, timeout_s: float) -> int | None:
        """Its exit status, or None when it still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def await_ready(self, is_ready: Callable[[], bool], *, within_s: float) -> None:
        """Return once `is_ready` says so. Raises StartFailed, the process stopped, when it ended or took too long."""
        while not self.is_up(is_ready, within_s=within_s):
            self.wait(_LOOK_AGAIN_S)

    def is_up(self, is_ready: Callable[[], bool], *, within_s: float) -> bool:
        """Whether it is ready by now. Raises StartFailed, the process stopped, when it ended or took too long."""
        if not self.is_alive:
            raise StartFailed(f"{self.name} {self.how_it_ended} while it started. {self.last_words()}")
        if is_ready():
            return True
        if time.monotonic() - self._started_at > within_s:
            self.stop(grace_s=0)
            raise StartFailed(f"{self.name} was not ready after {within_s:g} s. {self.last_words()}")
        return False

    def last_words(self) -> str:
        """The end of what it printed since it was started, and where the rest is."""
        lines = self.output().splitlines()[-_SHOWN_LINES:]
        shown = "\n  ".join(lines) if lines else "(nothing)"
        return f"Its last lines in {self.log}:\n  {shown}"

    def last_line(self) -> str:
        """The last line that it printed since it was started, or the beginning of a long one; empty: it printed none."""
        lines = self.output().split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")[:_SHOWN_CHARACTERS]

    def output(self) -> str:
        """All it has printed since it was started."""
        try:
            with open(self.log, "rb", opener=open_own_file) as log:
                log.seek(self._log_start)
                return log.read().decode(errors="replace")
        except OSError:
            return ""  # it is gone, or what lies there now is not what the child wrote

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone, not to its group."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def stop(self, ask: signal.Signals = signal.SIGTERM, *, grace_s: float = 10) -> int:
        """Ask the process to end, and kill its group after `grace_s` seconds. Returns its exit status."""
        if self.is_alive and grace_s > 0:
            self.send(ask)
            self.wait(grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()


def stop_together(children: Sequence[Child], *, grace_s: float) -> None:
    """Ask all processes to end, and kill those that still run after `grace_s` seconds in total."""
    for child in children:
        child.send(signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for child in children:
        child.wait(max(0, deadline - time.monotonic()))
        child.stop(grace_s=0)


def launch(
    name: str,
    program: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    when_orphaned: signal.Signals = signal.SIGKILL,
) -> Child:
    """Start a program. `env` replaces the environment; `when_orphaned` reaches it when we die without a word."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with _appended(log) as output:
        log_start = output.tell()
        process = subprocess.Popen(  # noqa: S603 -- programs of ours, no shell
            [*_bootstrapped(account, when_orphaned), *map(str, program)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            process_group=0,
        )
    return Child(name, process, log, log_start)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name of its own
        return f"signal {number}"


def open_own_file(path: str, flags: int) -> int:
    """An opener for files in a folder that the server's account may change: only a plain file with one name is opened.

    A link of either kind could lead root to another file, and a pipe would keep it waiting. Raises OSError.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ELOOP, "it is a link, or no plain file", path)


@contextlib.contextmanager
def _appended(log: Path) -> Iterator[BinaryIO]:
    """Raises StartFailed when something else lies where the log belongs."""
    try:
        opened = open(log, "ab", opener=open_own_file)  # noqa: SIM115 - closed below
    except OSError as err:
        if err.errno not in {errno.ELOOP, errno.ENXIO, errno.EISDIR}:
            raise
        raise StartFailed(f"{log} is a link, or no plain file. Remove it, then start again.") from err
    with opened:
        yield opened


def _bootstrapped(account: Account | None, when_orphaned: signal.Signals) -> list[str]:
    who = "-" if account is None else f"{account.uid}:{account.gid}"
    return [
        sys.executable,
        "-I",
        "-S",
        child_bootstrap.__file__,
        str(os.getpid()),
        str(int(when_orphaned)),
        who,
    ]
