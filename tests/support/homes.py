"""Clean up after embedded servers whose data had to live outside a test's own directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.stack import embedded_home


@contextmanager
def no_home_left(*data_dirs: Path) -> Iterator[None]:
    """Removes what root's servers keep for these directories where `nobody` can reach it."""
    try:
        yield
    finally:
        if os.geteuid() == 0:
            for data_dir in data_dirs:
                shutil.rmtree(embedded_home._reachable_twin(data_dir.resolve()), ignore_errors=True)
