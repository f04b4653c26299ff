"""Whether the loop that takes messages goes round, and the end of a worker whose loop stands still.

The loop gives a sign at every step it finishes, and says how long the next one may take. The watchdog counts its own
looks, not time: a process that was stopped (SIGSTOP, a suspended machine) has not looked meanwhile, and is given as
many looks after it wakes as before. It needs the interpreter: a step that never lets other threads run is left to
the health check on the file.
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
#: A step of the loop is an answer from Redis, at most REDIS_SOCKET_TIMEOUT_S, or a pause of 3 s at most.
STEP_WITHIN_S = 20
#: Asking for an address has no limit of its own; while names are away, a worker that streams is well.
CONNECT_WITHIN_S = 120
#: Beyond WORKER_SHUTDOWN_GRACE_S: a loop that is shutting down waits for its tasks, and they for slow commits.
END_WITHIN_S = 60
#: The file is touched no more often.
TOUCH_PERIOD_S = 2

#: The exit status of a worker that ended itself (EX_SOFTWARE of sysexits.h).
STOOD_STILL = 70
#: A log that takes no line must not keep the process.
_TELL_WITHIN_S = 1.0
_SHOWN_FRAMES = 12


class LoopProgress:
    """What the loop has shown of itself. Signs of other threads do not count."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self.count = 0
        self.next_within_s: float = STEP_WITHIN_S
        self._clock = clock
        self._at_least_s = 0.0
        self._file: Path | None = None
        self._touch_at = 0.0

    def give(self, *, next_within_s: float = STEP_WITHIN_S) -> None:
        """Call it from the loop. Cheap, and never raises."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.next_within_s = max(next_within_s, self._at_least_s)
        self.count += 1
        if self._file is not None and self._clock() >= self._touch_at:
            self._touch_at = self._clock() + TOUCH_PERIOD_S
            with contextlib.suppress(OSError):  # a full disk ends nobody; the file's age tells
                self._file.touch()

    def expect_end(self, *, within_s: float) -> None:
        """The loop ends now, and gives fewer signs. Safe in a signal handler."""
        self._at_least_s = within_s
        self.give()

    def show_in(self, file: Path) -> None:
        """From now on the file is as fresh as the loop."""
        self._file = file
        self.give()

    def hide(self) -> None:
        """There is no file any more."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)


class Watchdog(threading.Thread):
    """Calls `end` when no sign has come for as many looks as the last one allowed."""

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
    """Say where the main thread stands, and end at once: it can no longer be asked to."""
    teller = threading.Thread(target=_tell, daemon=True)
    teller.start()
    teller.join(_TELL_WITHIN_S)
    os._exit(STOOD_STILL)


def _tell() -> None:
    log.critical(
        "loop_stands_still",
        says="The loop that takes messages stands still. The worker ends itself; its batches go on elsewhere.",
        where=main_thread_stands(),
    )


def main_thread_stands() -> list[str]:
    """The innermost places of the main thread, as `file:line function`, without values."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001  documented, CPython's
    stack = list(traceback.walk_stack(frame))[:_SHOWN_FRAMES]
    return [f"{each.f_code.co_filename}:{line} {each.f_code.co_name}" for each, line in stack]
