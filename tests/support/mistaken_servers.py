"""Servers where all is well, and the same with one thing wrong: a role, a limit, a password, a certificate."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from tests.support.databases import Databases
from tests.support.self_signed import self_signed
from tools.stack.embedded import EmbeddedPostgres, EmbeddedRedis
from tools.stack.ports import free_port

SECRET = "hunter2-and-more-than-thirty-two-characters"

Environment = dict[str, str]


@dataclass(frozen=True)
class Site:
    """Servers where all is well, and the settings for them."""

    environment: Environment
    postgres: str  #: a superuser's address of the database
    postgres_place: str
    redis_place: str

    def database(self, **parts: str) -> str:
        """The database's address with other parts."""
        url = urlsplit(self.postgres)
        given = {
            "user": url.username,
            "password": url.password,
            "place": self.postgres_place,
            "path": url.path,
        }
        given |= parts
        return "postgresql://{user}:{password}@{place}{path}".format(**given)


Breaks = Callable[[Site], AbstractContextManager[Environment]]


@contextmanager
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedPostgres(durable=False))
        databases = stack.enter_context(Databases(server.url))
        url = stack.enter_context(databases.migrated())
        queue = stack.enter_context(EmbeddedRedis(durable=False))
        environment = {
            "TAFAWOQ_ENV": "production",
            "API_SERVICE_TOKEN": SECRET,
            "ANTHROPIC_API_KEY": SECRET,
            "CLAUDE_BASE_URL": "http://127.0.0.1:1",
            "DATABASE_URL": url,
            "REDIS_URL": queue.url,
        }
        place, queue_place = (urlsplit(each).netloc.rpartition("@")[2] for each in (url, queue.url))
        yield Site(environment, url, place, queue_place)


@contextmanager
def role(
    well: Site, *, grants: bool = True, name: str = "mistaken", options: str = "LOGIN"
) -> Iterator[Environment]:
    name_of_database = urlsplit(well.postgres).path.lstrip("/")
    with psycopg.connect(well.postgres, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} {options} PASSWORD '{SECRET}'")
        if grants:
            admin.execute(f"GRANT pg_read_all_data, pg_write_all_data TO {name}")
        try:
            yield {"DATABASE_URL": well.database(user=name, password=SECRET)}
        finally:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,)
            )
            admin.execute(f'ALTER DATABASE "{name_of_database}" RESET ALL')
            admin.execute(f"DROP OWNED BY {name}")
            admin.execute(f"DROP ROLE {name}")


@contextmanager
def wrong_password(well: Site) -> Iterator[Environment]:
    with role(well):
        yield {"DATABASE_URL": well.database(user="mistaken", password="another")}


@contextmanager
def full(well: Site) -> Iterator[Environment]:
    limited = role(well, options="LOGIN CONNECTION LIMIT 1")
    with limited as broken, psycopg.connect(broken["DATABASE_URL"]):
        yield broken


@contextmanager
def read_only(well: Site) -> Iterator[Environment]:
    with psycopg.connect(well.postgres, autocommit=True) as admin:
        name = urlsplit(well.postgres).path.lstrip("/")
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        try:
            yield {}
        finally:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


def to_database(**parts: str) -> Breaks:
    return lambda well: nullcontext({"DATABASE_URL": well.database(**parts)})


def appended(variable: str, text: str) -> Breaks:
    return lambda well: nullcontext({variable: well.environment[variable] + text})


@contextmanager
def behind_pgbouncer(well: Site) -> Iterator[Environment]:
    with pgbouncer(well.postgres) as url:
        yield {"DATABASE_URL": url}


@contextmanager
def pgbouncer(postgres: str, **settings: str) -> Iterator[str]:
    """The address of a pooler before this database that pools transactions."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    url = urlsplit(postgres)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        users, file = Path(folder, "users.txt"), Path(folder, "pgbouncer.ini")
        users.write_text(f'"{url.username}" "{url.password}"\n')
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={url.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = plain\nauth_file = {users}\npool_mode = transaction\n"
            "unix_socket_dir =\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())
        )
        account = ["-u", "nobody"] * (os.geteuid() == 0)
        command = [str(program), "-q", *account, str(file)]
        pooler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _until_open(port)
            yield f"postgresql://{url.username}:{url.password}@127.0.0.1:{port}{url.path}"
        finally:
            pooler.kill()
            pooler.wait()


def _until_open(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError("the pooler does not listen")


def redis_after(*command: str, address: str = "redis://{login}@{place}/0") -> Breaks:
    """A Redis of its own, after this command."""

    @contextmanager
    def broken(_well: Site) -> Iterator[Environment]:
        with EmbeddedRedis(durable=False) as server, closing(redis.Redis.from_url(server.url)) as admin:
            login, _at, place = urlsplit(server.url).netloc.rpartition("@")
            if command:
                admin.execute_command(*command)  # type: ignore[no-untyped-call]
            yield {"REDIS_URL": address.format(login=login, place=place)}

    return broken


class _Cluster(EmbeddedRedis):
    def _command(self, port: int) -> list[str]:
        return [*super()._command(port), "--cluster-enabled", "yes"]


@contextmanager
def cluster(_: Site) -> Iterator[Environment]:
    with _Cluster(durable=False) as server:
        yield {"REDIS_URL": server.url}


@contextmanager
def tls(address: str) -> Iterator[Environment]:
    """A server that speaks TLS, with a certificate that nobody vouches for."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        context, _ = self_signed(Path(folder))

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
                    encrypted.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        yield {"REDIS_URL": address.format(place=place)}
        listener.shutdown(socket.SHUT_RDWR)
