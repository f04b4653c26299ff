"""Which program serves: the one that is named, else the one in the wheel, else one that the machine has.

The wheel comes before the machine's own, so that the demo and the tests run the locked version everywhere; the
machine's serves where there is no wheel (musl, other processors). We never run a wheel's Python code.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from runtime.setting_values import OptionalText
from runtime.settings import SettingsSlice, load
from tools.stack.child import Account, StartFailed
from tools.stack.embedded_home import may_use, own_ground

_ANSWERS_WITHIN_S = 10
#: "Redis server v=7.0.15 sha=...", "Valkey server v=9.1.2 ...", "postgres (PostgreSQL) 18.4 (Debian ...)"
_VERSION = re.compile(r"(?:v=|\(PostgreSQL\) )(\d+)(?:\.(\d+))?")

Version = tuple[int, int]


class ServerProgramSettings(SettingsSlice):
    """Programs to use instead of those in the wheels: a path, or a name on the PATH."""

    postgres_server: OptionalText = None
    redis_server: OptionalText = None


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package whose programs we run without importing it."""

    package: str
    program: str  #: a file name pattern, relative to the installation's root; the last in order is taken
    needed: tuple[str, ...]  #: what a copy must hold, relative to the installation's root
    not_needed: tuple[str, ...] = ()  #: file name patterns a copy leaves out


@dataclass(frozen=True, slots=True)
class ServerKind:
    """How the program of a kind of server is found, and what to tell when there is none."""

    setting: str  #: the field of ServerProgramSettings that names one
    address: str  #: the variable that replaces the embedded server
    wheel: Wheel
    names: tuple[str, ...]  #: on the PATH
    places: tuple[str, ...]  #: file name patterns of places that packages use and no PATH has
    companions: tuple[str, ...]  #: programs that must stand beside it
    oldest: Version
    install_commands: tuple[str, ...]  #: one a package manager


@dataclass(frozen=True, slots=True)
class Program:
    path: Path
    version: Version

    def companion(self, name: str) -> Path:
        return self.path.parent / name


class Unusable(Exception):
    """A program that cannot serve; the message says which and why."""


def find_program(kind: ServerKind, account: Account | None) -> Program:
    """A program that is new enough and that the account may run. Raises StartFailed."""
    named = getattr(load(ServerProgramSettings), kind.setting)
    if named is not None:
        try:
            return _usable(_named(named), kind, account)
        except Unusable as err:
            raise StartFailed(f"{kind.setting.upper()} names no usable server: {err}.") from err
    passed_over = []
    for look in (_wheel_programs, _machine_programs):
        for candidate in look(kind, account):
            try:
                return _usable(candidate, kind, account)
            except Unusable as err:
                passed_over.append(str(err))
    raise StartFailed(_nothing_serves(kind, passed_over))


def _named(named: str) -> Path:
    found = shutil.which(named)
    if found is None:
        raise Unusable(f"there is no program {named}")
    return Path(found).absolute()


def _machine_programs(kind: ServerKind, _account: Account | None) -> Iterator[Path]:
    for name in kind.names:
        found = shutil.which(name)
        if found is not None:
            yield Path(found).absolute()
    for pattern in kind.places:
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _wheel_programs(kind: ServerKind, account: Account | None) -> Iterator[Path]:
    """The program in the wheel, in a place where the account may run it."""
    wheel = kind.wheel
    spec = find_spec(wheel.package)
    if spec is None or spec.origin is None:
        return
    root = Path(spec.origin).resolve().parent.parent
    installed = (path for relative in wheel.needed for path in (root / relative).rglob("*"))
    if account is not None and not may_use(account, installed):
        root = _copy(wheel, root)
    yield from sorted(root.glob(wheel.program), reverse=True)[:1]


def _usable(path: Path, kind: ServerKind, account: Account | None) -> Program:
    """The program with its version. Raises Unusable."""
    if account is not None and not may_use(account, [path, path.resolve()]):
        raise Unusable(f"{path} cannot be run by the account {account.name}")
    program = Program(_beside_companions(path, kind.companions), _version_of(path))
    if program.version < kind.oldest:
        raise Unusable(f"{path} is {_text(program.version)}, older than {_text(kind.oldest)}")
    return program


def _beside_companions(path: Path, companions: tuple[str, ...]) -> Path:
    """The program where its companions are: they may stand beside the link or beside what it leads to."""
    for place in (path, path.resolve()) if companions else (path,):
        if all((place.parent / companion).exists() for companion in companions):
            return place
    raise Unusable(f"{path} has no {' and '.join(companions)} beside it")


def _version_of(path: Path) -> Version:
    try:
        asked = subprocess.run(  # noqa: S603 -- a server's own program, no shell
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWERS_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Unusable(f"{path} cannot be run ({type(err).__name__})") from err
    found = _VERSION.search(asked.stdout)
    if found is None:
        raise Unusable(f"{path} does not tell its version")
    return int(found[1]), int(found[2] or 0)


def _nothing_serves(kind: ServerKind, passed_over: list[str]) -> str:
    reasons = passed_over or ["none is on the PATH"]
    if find_spec(kind.wheel.package) is None:
        reasons = [
            f"the package {kind.wheel.package} is not installed (requirements/demo.txt has it)",
            *reasons,
        ]
    managers = (command for command in kind.install_commands if shutil.which(command.split()[0]))
    install = next(managers, "its package of your system")
    return (
        f"No {kind.names[-1]} {_text(kind.oldest)} or newer was found: {'; '.join(reasons)}. Install one ({install}), "
        f"name its program with {kind.setting.upper()}, or set {kind.address} to a server of your own."
    )


def _text(number: Version) -> str:
    return f"{number[0]}.{number[1]}"


def _copy(wheel: Wheel, root: Path) -> Path:
    """A copy of the wheel's programs that everybody may run; made once a version."""
    try:
        release = version(wheel.package.replace("_", "-"))
    except PackageNotFoundError:
        release = "unknown"
    target = own_ground() / f"{wheel.package}-{release}"
    if target.is_dir():
        return target
    growing = Path(tempfile.mkdtemp(prefix=f".{wheel.package}-", dir=target.parent))
    try:
        for relative in wheel.needed:
            _copy_open(root / relative, growing / relative, wheel.not_needed)
        growing.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was faster: its copy is as good
            growing.rename(target)
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return target


def _copy_open(source: Path, target: Path, not_needed: tuple[str, ...]) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*not_needed))
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
