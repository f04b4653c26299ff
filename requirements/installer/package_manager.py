"""pip, which every Python can bring along, and uv, which is faster where it is there: the same steps by both.

Neither resolves anything: the lock is whole. Both check the hashes, and at the end the dependencies.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from requirements.installer.environment import Environment, base_executable
from requirements.installer.failures import InstallFailed

#: Settings for other installations than this one; they would send the packages elsewhere.
_NOT_FOR_US = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_REQUIRE_HASHES",
    "PIP_NO_DEPS",
    "PIP_DRY_RUN",
    "UV_CONSTRAINT",
    "UV_REQUIRE_HASHES",
    "PYTHONHOME",
)
_FOR_US = {
    "PIP_USER": "0",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_CONSTRAINT": os.devnull,  # the lock decides, for uv too
    "UV_NO_PROGRESS": "1",
    "PYTHONUNBUFFERED": "1",
}


class PackageManager(Protocol):
    """The commands that make an environment and fill it."""

    name: str

    def works_in(self, environment: Environment) -> bool: ...
    def make(self, directory: Path) -> list[list[str]]: ...
    def install(self, python: Path, lock: Path) -> list[str]: ...
    def install_project(self, python: Path, project: Path) -> list[str]: ...
    def remove(self, python: Path, names: list[str]) -> list[str]: ...
    def check(self, python: Path) -> list[str]: ...


class Pip:
    """The pip that comes with Python; with a version given, that one."""

    def __init__(self, version: str = "") -> None:
        self.name = f"pip {version}".strip()
        self._version = version

    def works_in(self, environment: Environment) -> bool:
        return any(
            name == "pip" and self._version in {"", version} for name, version in environment.installed()
        )

    def make(self, directory: Path) -> list[list[str]]:
        if find_spec("ensurepip") is None:
            raise InstallFailed(
                f"{base_executable()} cannot make a virtual environment with pip. Install its venv module (on Debian "
                "and Ubuntu: the package python3-venv), or name another Python: make PYTHON=..."
            )
        commands = [[base_executable(), "-I", "-m", "venv", str(directory)]]
        if self._version:
            commands.append(
                [*self._pip(directory / "bin" / "python", "install"), "--no-deps", f"pip=={self._version}"]
            )
        return commands

    def install(self, python: Path, lock: Path) -> list[str]:
        return [*self._pip(python, "install"), "--no-deps", "--require-hashes", "--requirement", str(lock)]

    def install_project(self, python: Path, project: Path) -> list[str]:
        return [
            *self._pip(python, "install"),
            "--no-deps",
            "--no-build-isolation",
            "--editable",
            str(project),
        ]

    def remove(self, python: Path, names: list[str]) -> list[str]:
        return [*self._pip(python, "uninstall"), "--yes", *names]

    def check(self, python: Path) -> list[str]:
        return self._pip(python, "check")

    def _pip(self, python: Path, command: str) -> list[str]:
        return [str(python), "-I", "-m", "pip", command]


class Uv:
    """uv as found on the PATH; the environment needs no pip for it."""

    name = "uv"

    def __init__(self, program: str) -> None:
        self._program = program

    def works_in(self, environment: Environment) -> bool:
        return environment.python.exists()

    def make(self, directory: Path) -> list[list[str]]:
        return [[base_executable(), "-I", "-m", "venv", "--without-pip", str(directory)]]

    def install(self, python: Path, lock: Path) -> list[str]:
        # Compiled, as by pip: else every program's first start takes three times as long.
        options = ["--no-deps", "--require-hashes", "--compile-bytecode", "--requirement"]
        return [*self._uv("install", python), *options, str(lock)]

    def install_project(self, python: Path, project: Path) -> list[str]:
        return [*self._uv("install", python), "--no-deps", "--no-build-isolation", "--editable", str(project)]

    def remove(self, python: Path, names: list[str]) -> list[str]:
        return [*self._uv("uninstall", python), *names]

    def check(self, python: Path) -> list[str]:
        return self._uv("check", python)

    def _uv(self, command: str, python: Path) -> list[str]:
        return [self._program, "pip", command, "--python", str(python)]


def package_managers(wanted: str) -> list[PackageManager]:
    """Those to try, in this order: uv when it is there, then pip; or the one that is wanted ("uv", "pip", "pip==X").

    Raises InstallFailed when uv is wanted and missing, or when nobody knows what is wanted.
    """
    name, _, version = wanted.partition("==")
    uv = shutil.which("uv")
    if name == "pip":
        return [Pip(version)]
    if wanted not in {"", "uv"}:
        raise InstallFailed(f"Packages are installed with pip, pip==(a version) or uv, not with {wanted}.")
    if wanted == "uv" and uv is None:
        raise InstallFailed("uv is wanted and is not on the PATH: https://docs.astral.sh/uv")
    managers: list[PackageManager] = [] if uv is None else [Uv(uv)]
    return managers if wanted == "uv" else [*managers, Pip()]


def environment_variables() -> dict[str, str]:
    """The caller's, without what would lead an installation astray."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_US}
    return kept | _FOR_US
