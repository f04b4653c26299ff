"""A watchdog on the main loop, which takes messages: it ends a worker whose loop is stuck.

The loop reports every finished step and how long the next one may take. The watchdog counts its own checks, not
time: while a process is stopped (SIGSTOP, a suspended machine) it makes no check, so that the loop has its full
time after it wakes. The watchdog needs the interpreter: when a step never lets other threads run, only the health
check on the file finds it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

LOOK_S = 1.0
#: A step is an answer from Redis, which takes at most REDIS_SOCKET_TIMEOUT_S, or a pause of at most 3 s.
STEP_WITHIN_S = 20
#: A DNS look-up has no time limit of its own; a worker that streams while DNS is down is healthy.
CONNECT_WITHIN_S = 120
#: Beyond WORKER_SHUTDOWN_GRACE_S: in a shutdown the loop waits for its tasks, and they wait for slow commits.
END_WITHIN_S = 60
#: The shortest time between two touches of the file.
TOUCH_PERIOD_S = 2

#: The exit status of a worker whose loop was stuck (EX_SOFTWARE of sysexits.h).
LOOP_STALLED_STATUS = 70
#: A log that takes no line must not delay the end.
_LOG_WITHIN_S = 1.0
_SHOWN_FRAMES = 12


class LoopProgress:
    """The steps that the loop has reported. Calls from other threads do not count."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self.count = 0
        self.next_within_s: float = STEP_WITHIN_S
        self._clock = clock
        self._at_least_s = 0.0
        self._file: Path | None = None
        self._touch_at = 0.0

    def report(self, *, next_within_s: float = STEP_WITHIN_S) -> None:
        """Report a finished step, from the loop. Cheap, and never raises."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.next_within_s = max(next_within_s, self._at_least_s)
        self.count += 1
        if self._file is not None and self._clock() >= self._touch_at:
            self._touch_at = self._clock() + TOUCH_PERIOD_S
            with contextlib.suppress(OSError):  # a full disk must not end the worker; the file's age shows it
                self._file.touch()

    def expect_end(self, *, within_s: float) -> None:
        """The loop ends now and reports less often. Safe in a signal handler."""
        self._at_least_s = within_s
        self.report()

    def show_in(self, file: Path) -> None:
        """Touch this file from now on whenever the loop reports a step."""
        self._file = file
        self.report()

    def hide(self) -> None:
        """Delete the file."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)


class Watchdog(threading.Thread):
    """Calls `end` when the loop has reported nothing for as many checks as its last report allowed."""

    def __init__(self, progress: LoopProgress, *, end: Callable[[], object], look_s: float = LOOK_S) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._progress = progress
        self._end = end
        self._look_s = look_s
        self._stopping = threading.Event()

    def run(self) -> None:
        seen, looks = self._progress.count, 0
        while not self._stopping.wait(self._look_s):
            seen, looks = self._progress.count, looks + 1 if seen == self._progress.count else 0
            if looks * LOOK_S >= self._progress.next_within_s:
                self._end()
                return

    def stop(self) -> None:
        self._stopping.set()


def end_process() -> None:
    """Log where the main thread is, and end the process at once: a stuck loop cannot end itself."""
    logging_thread = threading.Thread(target=_log_stack, daemon=True)
    logging_thread.start()
    logging_thread.join(_LOG_WITHIN_S)
    os._exit(LOOP_STALLED_STATUS)


def _log_stack() -> None:
    log.critical(
        "loop_stalled",
        says="The loop that takes messages is stuck. The worker ends itself; other workers go on with its batches.",
        where=main_thread_stack(),
    )


def main_thread_stack() -> list[str]:
    """The innermost frames of the main thread, as `file:line function`, without values."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001  documented, CPython's
    stack = list(traceback.walk_stack(frame))[:_SHOWN_FRAMES]
    return [f"{each.f_code.co_filename}:{line} {each.f_code.co_name}" for each, line in stack]
