"""Run a program quietly, show progress while it works, and leave no program behind."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from requirements.installer.failures import failure
from requirements.installer.package_manager import environment_variables

_LOOK_AGAIN_S = 0.25
_ENDS_WITHIN_S = 10
_LINES_KEPT = 2000


@dataclass(frozen=True)
class Runner:
    """Runs one program after another for one environment."""

    directory: Path
    held: int  #: a file that the programs keep open, for the lock on it
    on_line: Callable[[str], None]
    on_wait: Callable[[], None]

    def run(self, command: list[str]) -> None:
        """Raises InstallFailed, with what the program printed, when it fails. Interrupted, it ends the program."""
        child = subprocess.Popen(  # noqa: S603 -- pip, uv or Python, and nothing from outside
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment_variables(),
            pass_fds=(self.held,),
        )
        printed: deque[str] = deque(maxlen=_LINES_KEPT)
        reader = threading.Thread(target=self._read, args=(child, printed), daemon=True)
        try:
            reader.start()
            while child.poll() is None:
                reader.join(_LOOK_AGAIN_S)
                if not reader.is_alive():
                    child.wait()  # it said its last word
                self.on_wait()
        finally:
            _end(child)
        reader.join(_ENDS_WITHIN_S)
        if child.returncode:
            raise failure(list(printed), self.directory)

    def _read(self, child: subprocess.Popen[str], printed: deque[str]) -> None:
        assert child.stdout is not None  # noqa: S101 -- asked for above
        with child.stdout as lines:
            for line in lines:
                printed.append(line.rstrip())
                self.on_line(line.strip())


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
