"""Make a virtual environment and install what is locked. Run by `make` with whatever Python the machine has.

Every Python, even Python 2, must be able to read this file to say that it is too old.
"""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as for a job in the background
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before there is anything to leave in order
if sys.version_info < (3, 11):  # noqa: UP036 -- this is where it is found out
    sys.exit(
        "Python 3.11 or newer is needed, and this is %d.%d. Install one, or name it: make PYTHON=..."  # noqa: UP031
        % sys.version_info[:2]
    )
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 -- see above

from requirements.installer.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
