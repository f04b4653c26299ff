"""A lock: every package with its version and the hashes of its files, as `make lock` writes it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<rest>[^\\\n]+)", flags=re.MULTILINE)


def normalized(name: str) -> str:
    """A package's name as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Lock:
    """A lock file as it was when first read."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def pins(self) -> frozenset[tuple[str, str]]:
        """Of every entry: its name, and its version with its marker."""
        return frozenset((normalized(pin["name"]), pin["rest"].strip()) for pin in _PIN.finditer(self.text))

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.pins)

    def holds(self, other: Lock) -> bool:
        """Whether whoever has this lock installed has the other installed, too."""
        return self.pins >= other.pins
