"""What is under way, how far, for how long: rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TextIO

_SIZE = re.compile(r"\(([\d.]+) ?([kKMG])i?B\)")
_MB = {"k": 0.001, "K": 0.001, "M": 1.0, "G": 1000.0}
_ON_A_TERMINAL_S = 0.25
_ELSEWHERE_S = 10.0


class Progress:
    """One installation's progress, fed with the lines that pip or uv prints."""

    def __init__(self, out: TextIO, packages: int) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._packages = packages
        self._begun = self._shown = time.monotonic()
        self._step, self._counted = "", False
        self._fetched, self._fetched_mb = 0, 0.0
        self._width = 0

    def line(self, text: str) -> None:
        """A line that stays."""
        start = "\r" if self._width else ""
        self._out.write(f"{start}{text:<{self._width}}\n")
        self._out.flush()
        self._width = 0

    def begin(self, step: str, *, counted: bool = False) -> None:
        """A step; `counted`: it is the one that brings the packages."""
        self._step, self._counted = step, counted
        self._fetched, self._fetched_mb = 0, 0.0
        self._shown = 0.0 if self._terminal else self._shown

    def read(self, printed: str) -> None:
        """Take a line of pip or uv into account."""
        if printed.startswith("Ignoring "):  # pip, of a package for other machines
            self._packages -= 1
        elif reported := re.match(r"Resolved (\d+) packages?", printed):  # uv, without them
            self._packages = int(reported[1])
        elif printed.startswith(("Collecting ", "Requirement already satisfied")):
            self._fetched += 1
        elif (size := _SIZE.search(printed)) and "Downloading" in printed:
            self._fetched_mb += float(size[1]) * _MB[size[2]]

    def show(self, count_installed: Callable[[], int]) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if now - self._shown < (_ON_A_TERMINAL_S if self._terminal else _ELSEWHERE_S):
            return
        self._shown = now
        text = f"  {self._step}{self._how_far(count_installed())}, {self.seconds} s"
        if self._terminal:
            self._out.write(f"\r{text:<{self._width}}")
            self._out.flush()
            self._width = len(text)
        else:
            self.line(text)

    def _how_far(self, installed: int) -> str:
        if not self._counted:
            return ""
        if installed:
            return f": {min(installed, self._packages)} of {self._packages} packages in place"
        if self._fetched:
            return f": {min(self._fetched, self._packages)} of {self._packages} packages, {self._fetched_mb:.0f} MB fetched"
        return ""

    @property
    def seconds(self) -> int:
        return round(time.monotonic() - self._begun)
