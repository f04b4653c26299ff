"""The packages of the production lock with their licences. Nothing is resolved, installed or fetched."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from requirements.installer.lock import Lock, normalized

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
LOCK = REQUIREMENTS / "production.txt"
LICENCES = REQUIREMENTS / "licences.toml"

#: One entry of the lock with its hashes.
_ENTRY = re.compile(r"^(?P<name>[\w.-]+)==[^\\\n]*(?:\\\n\s+--hash=[^\\\n]*)*", flags=re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class LicenceProblem(Exception):
    """The licences and the lock do not fit together; the message names the packages and what to do."""


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    version: str
    marker: str | None  #: where it is installed; None: everywhere
    licence: str  #: SPDX
    reason: str | None  #: why we use it, if its licence is not allowed for all
    hashes: tuple[str, ...]  #: SHA-256 of each file that may be installed

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(lock: Path = LOCK, licences: Path = LICENCES) -> tuple[Package, ...]:
    """Every package of the lock, by name. Raises LicenceProblem when one of them may not be used."""
    table = tomllib.loads(licences.read_text(encoding="utf-8"))
    found = tuple(sorted(_packages(Lock(lock), table), key=lambda package: package.name))
    problems = [*_unfit(found, frozenset(table["allowed"])), *_left_over(found, table)]
    if problems:
        raise LicenceProblem(" ".join(problems))
    return found


def _packages(lock: Lock, table: Mapping[str, Mapping[str, str]]) -> Iterator[Package]:
    hashes = {
        normalized(entry["name"]): tuple(sorted(_HASH.findall(entry[0])))
        for entry in _ENTRY.finditer(lock.text)
    }
    for name, rest in lock.pins:
        version, _, marker = (part.strip() for part in rest.partition(";"))
        licence, reason = table["packages"].get(name, ""), table["reasons"].get(name)
        yield Package(name, version, marker or None, licence, reason, hashes[name])


def _unfit(found: tuple[Package, ...], allowed: frozenset[str]) -> Iterator[str]:
    for package in found:
        if not package.licence:
            yield f"{package.name} is locked, and licences.toml does not say under which licence: look, and add it."
        elif package.licence not in allowed and not package.reason:
            yield (
                f"{package.name} is under {package.licence}, which is not in `allowed` of licences.toml: "
                "leave the package out, or write the reason why we may use it under [reasons]."
            )


def _left_over(found: tuple[Package, ...], table: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    names = {package.name for package in found}
    for name in sorted({*table["packages"], *table["reasons"]} - names):
        yield f"licences.toml names {name}, which is not locked: take it out."
