"""Where the embedded servers' programs and data live, so that the account that runs them can reach both.

Postgres refuses to run as root, so root starts both servers as `nobody`. A checkout or a virtual
environment under a closed home directory is out of its reach: then the programs are copied, and the data kept,
under one directory of our own in /var/tmp. Nothing that is not ours changes its owner or its mode.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from runtime.child import Account, StartFailed

_NEEDED_MB = 200
_COMMON_GROUND = Path("/var/tmp")  # noqa: S108 -- only a directory of our own in it is used, see own_ground


@dataclass(frozen=True, slots=True)
class Home:
    """A server's data directory, 0700, and the account that owns it and runs the server."""

    path: Path
    account: Account | None  #: None: whoever we are
    temporary: bool

    def write_secret(self, name: str, text: str) -> Path:
        """A file in the home that only the server's account may read."""
        path = self.path / name
        path.unlink(missing_ok=True)
        # New and no link: the account owns the directory, and may not lead root to another file.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            if self.account is not None:
                os.fchown(file.fileno(), self.account.uid, self.account.gid)
        return path

    def leave(self) -> None:
        """Remove the data if it was temporary."""
        if self.temporary:
            shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package whose programs we run without importing it."""

    package: str
    programs: Callable[[Path], Path]  #: the installation's root -> the directory of its programs
    needed: tuple[str, ...]  #: what a copy must hold, relative to the installation's root
    not_needed: tuple[str, ...] = ()  #: file name patterns a copy leaves out


def open_home(data_dir: Path | None, server: str) -> Home:
    """The directory for a server's data, made when missing; without `data_dir` a temporary one.

    Raises StartFailed when it cannot be used by the account, or when its disk is full.
    """
    account = _server_account()
    if data_dir is None:
        home = Home(_temporary_directory(server, account), account, temporary=True)
    else:
        home = _lasting_home(data_dir.resolve(), account)
    home.path.chmod(stat.S_IRWXU)
    if home.account is not None:
        os.chown(home.path, home.account.uid, home.account.gid)
    _require_space(home.path)
    return home


def programs_of(wheel: Wheel, account: Account | None) -> Path:
    """The directory of the wheel's programs, in a place where the account may run them.

    Raises StartFailed when the wheel is not installed.
    """
    spec = find_spec(wheel.package)
    if spec is None or spec.origin is None:
        raise StartFailed(
            f"The package {wheel.package} is not installed, so no embedded server can be started. "
            "Install requirements/development.txt, or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    root = Path(spec.origin).resolve().parent.parent
    installed = (path for relative in wheel.needed for path in (root / relative).rglob("*"))
    if account is None or may_use(account, installed):
        return wheel.programs(root)
    return wheel.programs(_copy(wheel, root))


def may_use(account: Account, paths: Iterable[Path]) -> bool:
    """Whether the account may enter every folder on the way to these paths, and read them."""
    paths = list(paths)
    folders = {parent for path in paths for parent in path.parents}
    return all(_allows(account, folder, stat.S_IXOTH) for folder in folders) and all(
        _allows(account, path, stat.S_IROTH) for path in paths
    )


def _allows(account: Account, path: Path, for_others: int) -> bool:
    about = path.stat()
    if about.st_uid == account.uid:
        return bool(about.st_mode & for_others << 6)
    if about.st_gid == account.gid:
        return bool(about.st_mode & for_others << 3)
    return bool(about.st_mode & for_others)


def _server_account() -> Account | None:
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _lasting_home(wanted: Path, account: Account | None) -> Home:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if account is None:
        _make_ours(wanted)
        return Home(wanted, None, temporary=False)
    account = _account_that_began(wanted) or account
    path = wanted if may_use(account, [wanted.parent]) else _reachable_twin(wanted)
    path.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    return Home(path, account, temporary=False)


def _make_ours(path: Path) -> None:
    path.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    if path.stat().st_uid != os.geteuid():
        raise StartFailed(
            f"{path} belongs to another account. Choose another directory with DATA_DIR, or start as that account."
        )


def _account_that_began(path: Path) -> Account | None:
    """The ordinary user whose data this is: he must be able to go on with them after root did."""
    if not path.exists() or path.stat().st_uid == 0:
        return None
    entry = pwd.getpwuid(path.stat().st_uid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _reachable_twin(wanted: Path) -> Path:
    """Stands for a directory the account cannot reach; the same one every time."""
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    return own_ground() / f"{wanted.name}-{digest}"


def _temporary_directory(server: str, account: Account | None) -> Path:
    usual = Path(tempfile.gettempdir()).resolve()
    place = usual if account is None or may_use(account, [usual]) else own_ground()
    return Path(tempfile.mkdtemp(prefix=f"tafawoq-{server}-", dir=place))


def own_ground() -> Path:
    """Our directory in /var/tmp. Raises StartFailed when somebody else made it."""
    ground = _COMMON_GROUND / f"tafawoq-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        ground.mkdir()
        ground.chmod(0o755)
    about = ground.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o022:
        raise StartFailed(
            f"{ground} was not made by us, or others may write to it. Remove it, then start again."
        )
    return ground


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


def _require_space(path: Path) -> None:
    free_mb = shutil.disk_usage(path).free // 2**20
    if free_mb < _NEEDED_MB:
        raise StartFailed(
            f"The disk of {path} has {free_mb} MB left, and a server needs {_NEEDED_MB} MB. "
            "Free some space, or choose another disk with DATA_DIR."
        )
