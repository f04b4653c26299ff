"""The first instructions of every child process: change the account, tie its life to ours, become the program.

Run by path with `python -I -S`, never imported by a process that serves: it does in a fresh process what a
preexec function would do between fork and exec, where a lock held by another thread of the parent would
never be released. Uses the standard library only, because it runs without site-packages.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def main(argv: Sequence[str]) -> None:
    """argv: the parent's process id, the signal that ends the child when the parent is gone, the account
    as "uid:gid" or "-", and the program with its arguments. Does not return.
    """
    parent, orphan_signal, account, *program = argv
    if account != "-":
        _become(account)
    # After the change of account, because that clears the setting.
    _signal_when_parent_dies(int(orphan_signal))
    if os.getppid() != int(parent):  # it died before the kernel was asked to watch it
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        os.execvp(program[0], program)  # noqa: S606 -- no shell is the point
    except OSError as err:
        sys.exit(f"{program[0]} cannot be run: {err.strerror}.")


def _become(account: str) -> None:
    uid, gid = (int(number) for number in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _signal_when_parent_dies(number: int) -> None:
    if sys.platform == "linux":  # elsewhere a child outlives a killed parent
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
