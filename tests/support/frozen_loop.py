"""For a real worker (`--include tests.support.frozen_loop`): SIGUSR2 makes its loop read a socket that says nothing.

That is how a loop stands still in earnest: a blocking read without a limit, in the thread that takes messages.
"""

from __future__ import annotations

import signal
import socket
from typing import Any

from celery.signals import worker_ready


@worker_ready.connect
def freeze_on_signal(**_: Any) -> None:
    signal.signal(signal.SIGUSR2, read_without_a_limit)


def read_without_a_limit(*_: Any) -> None:
    silent, near = socket.socketpair()
    near.recv(1)
    silent.close()
