"""What went wrong, as a sentence that says what to do."""

from __future__ import annotations

import errno
import re
from pathlib import Path

_REMEDIES = (
    (
        r"No space left on device|os error 28|Disk quota exceeded",
        (
            "The disk is full: {directory}, the temporary directory (TMPDIR) or the package cache has no room left. "
            "About 1 GB is needed. Free some, and start again."
        ),
    ),
    (
        r"DO NOT MATCH THE HASHES|Hash mismatch",
        (
            "A package is another one than was locked, so it is not installed. "
            "If a mirror or a proxy serves it, ask whoever runs that."
        ),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|certificate verify failed",
        (
            "The package index shows a certificate that this machine does not trust. Behind a company's proxy, set "
            "PIP_CERT (for uv: SSL_CERT_FILE) to its certificates."
        ),
    ),
    (
        (
            r"Name or service not known|Temporary failure in name resolution|Failed to establish a new connection|"
            r"Network is unreachable|Connection refused|ConnectTimeoutError|ReadTimeoutError|Read timed out|"
            r"nodename nor servname|dns error|error sending request|Failed to fetch|Connection reset"
        ),
        "The package index cannot be reached. Check the network (or the mirror in pip's configuration), and start again.",
    ),
    (
        r"Permission denied|os error 13|Operation not permitted|Read-only file system",
        (
            "This account may not write to {directory}, to the checkout or to the package cache. Run as the account that "
            "owns them, or name another directory: make VENV=..."
        ),
    ),
    (
        (
            r"[Ff]ailed building wheel|Failed to build|subprocess-exited-with-error|No matching distribution|"
            r"no wheels? with a matching|doesn't have a source distribution or wheel"
        ),
        (
            "A package has no ready-made file for this machine and Python, and could not be built. Supported are "
            "Linux with glibc (x86-64, arm64) and macOS on arm64, with Python 3.11 to 3.14."
        ),
    ),
)
_UNKNOWN = "The packages could not be installed; the lines above say why. Correct it and start again."
_LINES_SHOWN = 12


class InstallFailed(Exception):
    """The installation cannot go on; the text says why and what to do."""


def failure(output: list[str], directory: Path) -> InstallFailed:
    """The sentence for what a program printed before it failed, below its last lines."""
    text = "\n".join(output)
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, text):
            errors = [line for line in output if re.search(pattern, line)][-1:]
            return InstallFailed("\n".join([*errors, remedy.format(directory=directory)]))
    return InstallFailed("\n".join([*output[-_LINES_SHOWN:], _UNKNOWN]))


def failure_of_system(error: OSError, directory: Path) -> InstallFailed:
    """The sentence for what the operating system refused to do."""
    what = f"{error.filename or directory}: {error.strerror}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}:
        return failure([what], directory)
    return InstallFailed(f"{what}. Name another directory: make VENV=...")
