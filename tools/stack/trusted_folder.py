"""Refuse to work in a folder where another user could place links to other files.

Whoever may write in a folder may put a link where we expect a file of our own, and as root we would then change
the owner, the mode or the content of a file that was never ours. Trusted are root, ourselves and our groups, and
whoever may write in the folder of this code: they need no link to make us do what they want.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.stack.child import StartFailed

_MAX_LINKS = 40  #: on one path, as in the Linux kernel


def trusted_folder(folder: Path) -> Path:
    """`folder` without links, made when missing: only the trusted may change it or the way to it.

    Raises StartFailed; nothing was changed then.
    """
    _require_trusted_way(_way(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise StartFailed(f"{folder} cannot be made: {err.strerror}. Choose another with DATA_DIR.") from err
    _require_trusted_way(_way(folder))
    real = folder.resolve()
    _require(real, _writers(real.stat()))
    return real


def trusted_home(home: Path) -> Path:
    """`home` without links, in a trusted folder; not made, and whoever owns it may change what is in it.

    Raises StartFailed.
    """
    trusted_folder(home.parent)
    real = home.resolve()
    _require_trusted_way(step for step in _way(home) if step != real)
    trusted_folder(real.parent)
    return real


def is_trusted_way(folder: Path) -> bool:
    """Whether only trusted users can replace what we make in `folder`; this holds for /tmp."""
    try:
        _require_trusted_way(_way(folder))
    except StartFailed:
        return False
    return True


def _way(path: Path) -> Iterator[Path]:
    """Every folder and link that exists on the way to `path`, and on the way to where the links lead."""
    links_left = _MAX_LINKS
    root, *to_go = path.absolute().parts
    here = Path(root)
    yield here
    while to_go:
        name = to_go.pop(0)
        if name == "..":
            here = here.parent  # as the kernel goes, because `here` has no links in it
            continue
        entry = here / name
        if not os.path.lexists(entry):
            return
        yield entry
        if not entry.is_symlink():
            here = entry
            continue
        links_left -= 1
        if links_left == 0:
            raise StartFailed(f"{path} leads through too many links. Choose another directory with DATA_DIR.")
        root, *to_go = (*(here / entry.readlink()).parts, *to_go)
        here = Path(root)


def _require_trusted_way(steps: Iterable[Path]) -> None:
    for step in steps:
        about = step.lstat()
        # A link has no mode: who owns it replaces it. In a sticky folder others add entries, and replace none.
        owner_alone = stat.S_ISLNK(about.st_mode) or about.st_mode & stat.S_ISVTX
        _require(step, {_user(about.st_uid)} if owner_alone else _writers(about))


def _require(step: Path, may_change: set[str]) -> None:
    strangers = may_change - _trusted()
    if strangers:
        raise StartFailed(
            f"{step} can be changed by {' and '.join(sorted(strangers))}, who could lead the servers to other files. "
            "Choose a directory that only you can change with DATA_DIR."
        )


def _trusted() -> set[str]:
    ours = {_user(0), _user(os.geteuid()), *map(_group, (0, os.getegid(), *os.getgroups()))}
    return ours | _writers(Path(__file__).parent.stat())


def _writers(about: os.stat_result) -> set[str]:
    who = {_user(about.st_uid)}
    if about.st_mode & stat.S_IWGRP:
        who.add(_group(about.st_gid))
    if about.st_mode & stat.S_IWOTH:
        who.add("everybody")
    return who


def _user(uid: int) -> str:
    return f"user {uid}"


def _group(gid: int) -> str:
    return f"group {gid}"
