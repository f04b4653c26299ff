"""The whole system on one machine: servers, migrations, simulator, API and workers, each a process of its own.

Serves developers (`make up`), the demo and tests. It knows every other room by its command only and imports
none of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Self
from urllib.parse import urlsplit

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from runtime import processes
from runtime.child import Child, StartFailed, launch
from runtime.embedded import EmbeddedPostgres, EmbeddedRedis
from runtime.embedded_server import EmbeddedServer
from runtime.processes import PROJECT, WORKERS, Worker
from runtime.stack_settings import StackSettings
from runtime.tcp import LOOPBACK, accepts, free_port, require_free

_START_WITHIN_S = 60
_STOP_WITHIN_S = 10
#: Whoever presses Ctrl-C does not want to wait for half a batch; it is handed back.
_IMPATIENT = {"WORKER_SHUTDOWN_GRACE_S": "1"}


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """What the stack is made of, beyond the settings."""

    directory: Path  #: for logs, and for data that are kept
    keep_data: bool = True  #: False: the embedded servers' data are removed at the end
    durable: bool = True  #: False: the embedded servers may lose data when the machine crashes; for tests
    free_ports: bool = False  #: take any free port where the environment names none
    flower: bool = False
    workers: Sequence[Worker] = WORKERS
    simulator_options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)  #: of every process, over our own


class Stack:
    """All processes of the system. Started from a thread that stays; see runtime.child."""

    def __init__(
        self, settings: StackSettings, options: StackOptions, *, tell: Callable[[str], None] | None = None
    ) -> None:
        self.settings = settings
        self.options = options
        self.children: dict[str, Child] = {}
        self.environment = {
            **_IMPATIENT,
            **os.environ,
            "TAFAWOQ_ENV": settings.tafawoq_env.value,
            **options.environment,
        }
        self.api_url = self.simulator_url = self.flower_url = ""
        self.metrics_urls: dict[str, str] = {}  #: of the workers, by name
        self.project = PROJECT  #: whose code the processes that are started next run
        self._workers: list[str] = []
        self._embedded: list[EmbeddedServer] = []
        self._tell = tell or (lambda _line: None)
        self._servers = contextlib.ExitStack()

    @property
    def logs(self) -> Path:
        return self.options.directory / "logs"

    def start(self) -> Self:
        """Everything answers when this returns. Raises StartFailed, PortTaken; nothing is left running then."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the workers first, which hand back what they hold; then the rest; the servers last."""
        self._stop_together([self.children.pop(name) for name in self._workers if name in self.children])
        self._stop_together(list(self.children.values()))
        self.children.clear()
        self._embedded.clear()
        self._servers.close()

    def _stop_together(self, children: Sequence[Child]) -> None:
        for child in children:
            child.send(signal.SIGTERM)
        for child in children:
            child.stop(grace_s=_STOP_WITHIN_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ended(self) -> Child | None:
        """A process that should run and does not."""
        running = (*(server.child for server in self._embedded), *self.children.values())
        return next((child for child in running if not child.is_alive), None)

    def start_worker(self, spec: Worker) -> Child:
        """One more worker, ready when this returns."""
        worker = self._launch_worker(spec)
        _await_worker(worker)
        return worker

    def add_door(self) -> str:
        """One more API process, which answers when this returns; its address."""
        port = free_port()
        child = self._launch(f"api-{port}", processes.api(), API_PORT=str(port))
        child.await_ready(lambda: _says_ok(port, "/readyz"), within_s=_START_WITHIN_S)
        return f"http://{LOOPBACK}:{port}"

    def migrate(self) -> None:
        """Bring the database to what the code of `project` needs. Raises StartFailed."""
        migration = self._launch("migrate", processes.migrations())
        del self.children["migrate"]
        status = migration.wait(_START_WITHIN_S)
        migration.stop(grace_s=0)
        if status != 0:
            raise StartFailed(f"The database could not be migrated. {migration.last_words()}")
        self._tell("migrations")

    def _start(self) -> None:
        self._servers.enter_context(_only_stack_in(self.options.directory))
        self._require_given_servers()
        if self.settings.needs_simulator:
            self._launch_simulator()
        self.environment["DATABASE_URL"] = self._postgres()
        self.environment["REDIS_URL"] = self._redis()
        self.migrate()
        if self.options.flower:
            self._launch_flower()
        self._launch_api()
        workers = [self._launch_worker(spec) for spec in self.options.workers]
        self._await_http()
        for worker in workers:
            _await_worker(worker)
        self._tell(f"API, {len(workers)} workers" + (" and the simulator" if self.simulator_url else ""))

    def _require_given_servers(self) -> None:
        if self.settings.database_url is not None:
            _require_database(self.settings.database_url)
        if self.settings.redis_url is not None:
            _require_redis(self.settings.redis_url)

    def _postgres(self) -> str:
        if self.settings.database_url is not None:
            return self.settings.database_url
        data = self.options.directory / "postgres" if self.options.keep_data else None
        server = EmbeddedPostgres(data, durable=self.options.durable, log=self.logs / "postgres.log")
        return self._serve(server)

    def _redis(self) -> str:
        if self.settings.redis_url is not None:
            return self.settings.redis_url
        data = self.options.directory / "redis" if self.options.keep_data else None
        server = EmbeddedRedis(data, durable=self.options.durable, log=self.logs / "redis.log")
        return self._serve(server)

    def _serve(self, server: EmbeddedServer) -> str:
        self._servers.enter_context(server)
        self._embedded.append(server)
        self._tell(server.name)
        return server.url

    def _launch_simulator(self) -> None:
        port = self._port("simulator_port")
        self.simulator_url = f"http://{LOOPBACK}:{port}"
        self.environment["SIMULATOR_URL"] = self.simulator_url
        settings, more = self.settings, self.options.simulator_options
        command = processes.simulator(
            port=port, speed=settings.speed, seed=settings.simulator_seed, more=more
        )
        self._launch("simulator", command)

    def _launch_api(self) -> None:
        port = self._port("api_port")
        self.api_url = f"http://{LOOPBACK}:{port}"
        self._launch("api", processes.api(), API_PORT=str(port), FLOWER_URL=self.flower_url)

    def _launch_flower(self) -> None:
        port = self._port("flower_port")
        self.flower_url = f"http://{LOOPBACK}:{port}"
        self._launch("flower", processes.flower(port=port))

    def _launch_worker(self, spec: Worker) -> Child:
        self._workers.append(spec.name)
        port = free_port()
        self.metrics_urls[spec.name] = f"http://{LOOPBACK}:{port}/metrics"
        return self._launch(spec.name, processes.worker(spec), WORKER_METRICS_PORT=str(port))

    def _launch(self, name: str, command: list[str], **more: str) -> Child:
        log = self.logs / f"{name}.log"
        child = launch(name, command, log=log, env={**self.environment, **more}, cwd=self.project)
        self.children[name] = child
        return child

    def _await_http(self) -> None:
        for name, url, path in (
            ("simulator", self.simulator_url, None),
            ("api", self.api_url, "/readyz"),
            ("flower", self.flower_url, None),
        ):
            if url:
                self.children[name].await_ready(_answering(url, path), within_s=_START_WITHIN_S)

    def _port(self, name: str) -> int:
        """As the environment says, else any free one where that is wanted, else the usual one."""
        if self.options.free_ports and name not in self.settings.model_fields_set:
            return free_port()
        port: int = getattr(self.settings, name)
        return require_free(port, variable=name.upper())


def _answering(url: str, path: str | None) -> Callable[[], bool]:
    port = urlsplit(url).port or 0
    return (lambda: accepts(port)) if path is None else (lambda: _says_ok(port, path))


def _says_ok(port: int, path: str) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200  # noqa: PLR2004 -- OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _await_worker(worker: Child) -> None:
    """Celery says so when it has begun to take messages."""
    worker.await_ready(lambda: " ready." in worker.output(), within_s=_START_WITHIN_S)


@contextlib.contextmanager
def _only_stack_in(directory: Path) -> Iterator[IO[str]]:
    """Redis, unlike Postgres, would let two servers write the same file."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise StartFailed(
                f"Another stack works in {directory}. Stop it, or choose another directory with DATA_DIR."
            ) from err
        yield lock


def _require_database(url: str) -> None:
    try:
        psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=5).close()
    except psycopg.Error as err:
        raise StartFailed(
            f"DATABASE_URL names a Postgres at {_place(url)}, and it cannot be used: {_first_line(err)} "
            "Start it or correct DATABASE_URL; without the variable an embedded one is started."
        ) from err


def _require_redis(url: str) -> None:
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, retry=once) as client:
        try:
            client.ping()
        except redis.RedisError as err:
            raise StartFailed(
                f"REDIS_URL names a Redis at {_place(url)}, and it cannot be used: {_first_line(err)} "
                "Start it or correct REDIS_URL; without the variable an embedded one is started."
            ) from err


def _place(url: str) -> str:
    """The address without its password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path


def _first_line(err: Exception) -> str:
    return str(err).strip().split("\n", 1)[0].rstrip(".") + "."
