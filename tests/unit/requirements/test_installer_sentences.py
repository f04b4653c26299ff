"""What a newcomer reads: progress, one line for Ctrl-C, and a sentence for whatever went wrong."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from requirements.installer import package_manager
from requirements.installer.failures import InstallFailed, failure, failure_of_system
from requirements.installer.package_manager import Pip, Uv, package_managers
from requirements.installer.progress import Progress

PROJECT = Path(__file__).resolve().parents[3]
INSTALL = PROJECT / "requirements" / "install.py"


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "The disk is full"),
        ("error: failed to write: No space left on device (os error 28)", "The disk is full"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "another one than was locked",
        ),
        ("error: Hash mismatch for `a==1`", "another one than was locked"),
        ("SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", "does not trust"),
        ("Failed to establish a new connection: [Errno -3] Temporary failure", "cannot be reached"),
        ("error: Failed to fetch: `x`\n  Caused by: dns error", "cannot be reached"),
        ("PermissionError: [Errno 13] Permission denied: '/x'", "may not write"),
        ("ERROR: Failed building wheel for cryptography", "no ready-made file for this machine"),
        ("ERROR: something that nobody foresaw", "the lines above say why"),
    ],
)
def test_what_pip_or_uv_failed_on_is_told_with_its_remedy(printed: str, sentence: str) -> None:
    reported = str(failure(["Collecting a", *printed.split("\n")], Path("/venv")))

    assert sentence in reported
    assert reported.count("\n") <= 3


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EACCES, "may not write"),
        (errno.ENOTDIR, "Name another directory"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_remedy(number: int, sentence: str) -> None:
    error = OSError(number, os.strerror(number), "/venv/bin")

    assert sentence in str(failure_of_system(error, Path("/venv")))


def test_an_old_python_is_told_that_it_is_too_old() -> None:
    pretend = f"import runpy, sys; sys.version_info = (3, 6, 15); runpy.run_path({str(INSTALL)!r})"
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True, check=False)

    assert done.stderr.startswith("Python 3.11 or newer is needed, and this is 3.6. Install one, or name it")
    assert done.stderr.count("\n") == 1


def test_a_python_without_its_venv_module_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_manager, "find_spec", lambda _name: None)

    with pytest.raises(InstallFailed, match="the package python3-venv"):
        Pip().make(Path("/venv"))


def test_neither_pip_nor_uv_resolves_anything_and_both_check_the_hashes() -> None:
    for manager in (Pip(), Pip("22.3.1"), Uv("/usr/bin/uv")):
        assert {"--no-deps", "--require-hashes"} <= set(manager.install(Path("python"), Path("lock.txt")))
        assert {"--no-deps", "--no-build-isolation"} <= set(manager.install_project(Path("python"), Path()))


def test_uv_is_used_where_it_is_there_and_pip_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/uv")
    assert [manager.name for manager in package_managers("")] == ["uv", "pip"]
    assert [manager.name for manager in package_managers("pip==22.3.1")] == ["pip 22.3.1"]
    assert [manager.name for manager in package_managers("uv")] == ["uv"]

    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert [manager.name for manager in package_managers("")] == ["pip"]
    with pytest.raises(InstallFailed, match="not on the PATH"):
        package_managers("uv")
    with pytest.raises(InstallFailed, match="not with conda"):
        package_managers("conda")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_says_what_and_how_far() -> None:
    out = Terminal()
    progress = Progress(out, 3)
    progress.begin("packages", counted=True)
    progress.read("Ignoring colorama: markers 'sys_platform' don't match your environment")
    progress.read("Collecting a==1 (from -r lock.txt (line 1))")
    progress.read("Downloading a-1-py3-none-any.whl (1.6 MB)")
    progress.show(lambda: 0)

    assert out.getvalue() == "\r  packages: 1 of 2 packages, 2 MB fetched, 0 s"


def test_a_log_has_no_line_that_is_rewritten() -> None:
    out = io.StringIO()
    progress = Progress(out, 3)
    progress.begin("packages", counted=True)
    progress.show(lambda: 1)
    progress.line("Installed.")

    assert out.getvalue() == "Installed.\n"


# A suite that runs in the background has SIGINT ignored, and its children inherit that.
_LISTENING = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


def _run_with_uv(tmp_path: Path, script: str) -> subprocess.Popen[str]:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir(exist_ok=True)
    uv.write_text(f"#!/bin/sh\n{script}\n")
    uv.chmod(0o755)
    lock = tmp_path / "lock.txt"
    lock.write_text("")
    listening = [sys.executable, "-c", _LISTENING]
    return subprocess.Popen(
        [
            *listening,
            sys.executable,
            str(INSTALL),
            str(tmp_path / "venv"),
            str(lock),
            "--alone",
            "--with",
            "uv",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PATH": f"{uv.parent}:{os.environ['PATH']}"},
        start_new_session=True,
    )


def test_ctrl_c_is_one_line_and_130_and_the_next_run_finishes(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    interrupted = _run_with_uv(tmp_path, f"exec 3> {alive}; echo begun >&3; exec sleep 60")

    with alive.open() as of_uv:
        assert of_uv.readline() == "begun\n"
        os.killpg(interrupted.pid, signal.SIGINT)
        _, stderr = interrupted.communicate(timeout=30)
        assert of_uv.read() == ""  # at its end: uv holds the other end no longer

    assert interrupted.returncode == 130
    assert stderr.strip().split("\n") == [
        "Interrupted: the installation is not finished. The next run finishes it."
    ]
    again = _run_with_uv(tmp_path, "exit 0")
    stdout, stderr = again.communicate(timeout=30)
    assert (again.returncode, stderr) == (0, "")
    assert "Installed into" in stdout
