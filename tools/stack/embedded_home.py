"""Where the embedded servers' data live, so that the account that runs them can reach them.

Postgres refuses to run as root, so root starts both servers as `nobody`. A checkout or a virtual
environment under a closed home directory is out of its reach: then the programs are copied, and the data kept,
under one directory of our own in /var/tmp. Nothing that is not ours changes its owner or its mode: data live
only where nobody else can lay links, and inside them, because they belong to the account, we write, remove and
read secrets through none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.stack.child import Account, StartFailed, open_own_file
from tools.stack.trusted_folder import is_trusted_way, trusted_home

_NEEDED_MB = 200
_COMMON_GROUND = Path("/var/tmp")  # noqa: S108 -- only a directory of our own in it is used, see own_ground


@dataclass(frozen=True, slots=True)
class Home:
    """A server's data directory, 0700, and the account that owns it and runs the server."""

    path: Path
    account: Account | None  #: None: our own
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

    def read_secret(self, name: str) -> str:
        """What `write_secret` wrote. Raises StartFailed when it is no file of the home's own."""
        try:
            with open(self.path / name, opener=open_own_file) as file:
                return file.read()
        except OSError as err:
            raise StartFailed(
                f"{self.path / name} cannot be read: {err.strerror}. Choose another directory with DATA_DIR."
            ) from err

    def leave(self) -> None:
        """Remove the data if it was temporary."""
        if self.temporary:
            shutil.rmtree(self.path.parent, ignore_errors=True)


def open_home(data_dir: Path | None, server: str) -> Home:
    """The directory for a server's data, made when missing; without `data_dir` a temporary one.

    Raises StartFailed when it cannot be used by the account, or when its disk is full.
    """
    account = _server_account()
    home = _temporary_home(server, account) if data_dir is None else _lasting_home(data_dir, account)
    try:
        _make(home)
        _require_space(home.path)
    except BaseException:
        home.leave()
        raise
    return home


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


def _lasting_home(data_dir: Path, account: Account | None) -> Home:
    wanted = trusted_home(data_dir)
    if account is None:
        return Home(wanted, None, temporary=False)
    account = _account_that_began(wanted, account)
    path = wanted if may_use(account, [wanted.parent]) else _reachable_twin(wanted)
    return Home(path, account, temporary=False)


def _temporary_home(server: str, account: Account | None) -> Home:
    """In a folder that stays ours: the account that owns the home could exchange it in /tmp."""
    usual = Path(tempfile.gettempdir()).resolve()
    usable = is_trusted_way(usual) and (account is None or may_use(account, [usual]))
    folder = Path(tempfile.mkdtemp(prefix=f"tafawoq-{server}-", dir=usual if usable else own_ground()))
    folder.chmod(0o711)
    return Home(folder / server, account, temporary=True)


def _make(home: Home) -> None:
    """The directory, 0700, the account's. Raises StartFailed when it is somebody else's."""
    with contextlib.suppress(FileExistsError):
        home.path.mkdir(mode=stat.S_IRWXU)
    with _opened(home.path) as folder:
        if os.fstat(folder).st_uid not in {os.geteuid(), home.account.uid if home.account else os.geteuid()}:
            raise StartFailed(
                f"{home.path} belongs to another account. Choose another directory with DATA_DIR, or start as that account."
            )
        os.fchmod(folder, stat.S_IRWXU)
        if home.account is not None:
            os.fchown(folder, home.account.uid, home.account.gid)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The folder itself, whatever its name leads to a moment later. Raises StartFailed when it is none, or a link."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as err:
        raise StartFailed(
            f"{path} is no directory that we can open: {err.strerror}. Choose another with DATA_DIR."
        ) from err
    try:
        yield folder
    finally:
        os.close(folder)


def _account_that_began(path: Path, usual: Account) -> Account:
    """The ordinary user whose data this is, who must be able to go on with them after root did; else the usual."""
    owner = path.stat().st_uid if path.exists() else 0
    if owner in {0, usual.uid}:
        return usual
    try:
        entry = pwd.getpwuid(owner)
    except KeyError:  # a user of another machine or container
        return Account(f"user {owner}", owner, usual.gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _reachable_twin(wanted: Path) -> Path:
    """Stands for a directory the account cannot reach; the same one every time."""
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    return own_ground() / f"{wanted.name}-{digest}"


def own_ground() -> Path:
    """Our directory in /var/tmp. Raises StartFailed when another user made it."""
    ground = _COMMON_GROUND / f"tafawoq-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        ground.mkdir()
    with _opened(ground) as folder:
        about = os.fstat(folder)
        if about.st_uid != os.geteuid() or about.st_mode & 0o022 or not is_trusted_way(_COMMON_GROUND):
            raise StartFailed(
                f"{ground} was not made by us, or others may write to it. Remove it, then start again."
            )
        os.fchmod(folder, 0o755)
    return ground


def _require_space(path: Path) -> None:
    free_mb = shutil.disk_usage(path).free // 2**20
    if free_mb < _NEEDED_MB:
        raise StartFailed(
            f"The disk of {path} has {free_mb} MB left, and a server needs {_NEEDED_MB} MB. "
            "Free some space, or choose another disk with DATA_DIR."
        )
