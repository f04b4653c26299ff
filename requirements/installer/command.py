"""What `make` calls: leave a whole environment, or say in a sentence why not."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from requirements.installer.failures import InstallFailed, failure_of_system
from requirements.installer.installation import Installation, Wanted
from requirements.installer.lock import Lock

_INTERRUPTED = 130
_FAILED = 2


def main(arguments: list[str]) -> int:
    """The exit status: 0 whole, 2 a sentence was printed, 130 interrupted."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = _parsed(arguments)
    try:
        Installation(wanted, sys.stdout).ensure()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return _say(
            "\nInterrupted: the installation is not finished. The next run finishes it.", _INTERRUPTED
        )
    except InstallFailed as err:
        return _say(str(err), _FAILED)
    except OSError as err:
        return _say(str(failure_of_system(err, wanted.directory)), _FAILED)
    return 0


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"{text}\n")
    return status


def _parsed(arguments: list[str]) -> Wanted:
    parser = argparse.ArgumentParser(prog="install.py", description="Make a virtual environment from a lock.")
    parser.add_argument("directory", type=Path, help="where the environment is, or will be")
    parser.add_argument("lock", type=Path, help="the locked packages")
    parser.add_argument("--alone", action="store_true", help="without this project")
    parser.add_argument("--with", dest="tool", default="", metavar="TOOL", help="pip, pip==VERSION or uv")
    parser.add_argument("--this-python", action="store_true", help="make it again if another Python made it")
    given = parser.parse_args(arguments)
    return Wanted(
        directory=Path(given.directory).absolute(),
        lock=Lock(Path(given.lock).absolute()),
        project=not given.alone,
        tool=given.tool,
        this_python=given.this_python,
    )
