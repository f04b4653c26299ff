"""The whole system on one machine: servers, migrations, simulator, API and workers, each a process of its own.

Serves developers (`make up`), the demo and tests. It knows every other package only by its command and imports
none of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from runtime.settings import DatabaseSettings, RedisSettings
from tools.stack import processes
from tools.stack.child import Child, StartFailed, launch, stop_together
from tools.stack.embedded import EmbeddedPostgres, EmbeddedRedis
from tools.stack.embedded_server import EmbeddedServer
from tools.stack.given_servers import require_database, require_redis
from tools.stack.ports import LOOPBACK, free_port, require_free
from tools.stack.processes import PROJECT, WORKERS, Worker
from tools.stack.program import Kind, Program, accepts_at, serves_at, takes_messages
from tools.stack.stack_settings import StackSettings
from tools.stack.trusted_folder import trusted_folder

_START_WITHIN_S = 120  # on a machine that does much else; each fails at once when it ends
#: Flower, which needs seconds for it when no worker answers any more, is not waited for.
_STOP_WITHIN_S = {Kind.API: 10, Kind.WORKER: 10, Kind.OTHER: 2}
_LOOK_AGAIN_S = 0.02
#: For made-up students, who read faster than people and take more exams in a day.
MADE_UP_STUDENTS = {"PREFETCH_READING_S": "0", "SPEND_LIMIT_USER_DAY_USD": "off"}
#: After Ctrl-C the user should not wait for half a batch; the worker releases it.
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
    """All processes of the system. Started from a thread that stays; see tools.stack.child."""

    def __init__(
        self, settings: StackSettings, options: StackOptions, *, tell: Callable[[str], None] | None = None
    ) -> None:
        """`tell` is called with the name of each part as soon as it is ready."""
        self.settings = settings
        self.options = options
        self.children: dict[str, Child] = {}
        self.environment = {
            **_IMPATIENT,
            **os.environ,
            "TAFAWOQ_ENV": settings.tafawoq_env.value,
            "FIGURE_PATTERNS": settings.figure_patterns,
            **options.environment,
        }
        self.api_url = self.simulator_url = self.flower_url = ""
        self.metrics_urls: dict[str, str] = {}  #: of the workers, by name
        self.project = PROJECT  #: whose code the processes that are started next run
        self._programs: dict[str, Program] = {}
        self._embedded: dict[str, EmbeddedServer] = {}
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
        """End the API first, so that nobody asks for more; then the workers, which release what they hold; then the
        rest, and the servers last.
        """
        for kind in Kind:
            names = [name for name in self.children if self._programs[name].kind is kind]
            stop_together([self.children.pop(name) for name in names], grace_s=_STOP_WITHIN_S[kind])
        self._embedded.clear()
        self._servers.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def running(self) -> dict[str, Child]:
        """What should run, by name: the embedded servers, which the others need, come first."""
        return {name: server.child for name, server in self._embedded.items()} | self.children

    def ended(self) -> Child | None:
        """A process that should run and does not."""
        return next((child for child in self.running().values() if not child.is_alive), None)

    def restart(self, name: str) -> None:
        """Start what has ended as it was started before. Raises StartFailed, PortTaken.

        An embedded server answers when this returns, with its port, password and data; whether another process is
        ready yet, `is_ready` says.
        """
        if name in self._embedded:
            self._embedded[name].restart()
            return
        program = self._programs[name]
        self.children[name].stop(grace_s=0)
        if program.port is not None:
            require_free(program.port, variable=program.port_variable)
        self._launch(program)

    def is_ready(self, name: str) -> bool:
        """Whether it has started. Raises StartFailed when it ended before that, or took too long and was stopped."""
        if name in self._embedded:
            return self._embedded[name].child.is_alive
        child, program = self.children[name], self._programs[name]
        return child.is_up(lambda: program.is_ready(child), within_s=_START_WITHIN_S)

    def is_server(self, name: str) -> bool:
        """Whether it is an embedded server, without which nothing else can start."""
        return name in self._embedded

    def title(self, name: str) -> str:
        """The name of a part for people."""
        return name if name in self._embedded else self._programs[name].title

    def start_worker(self, spec: Worker) -> Child:
        """One more worker, ready when this returns."""
        self._launch_worker(spec)
        self._await_ready([spec.name])
        return self.children[spec.name]

    def add_api(self) -> str:
        """One more API process, which answers when this returns; its address."""
        port = free_port()
        name = f"api-{port}"
        self._launch(self._api(name, port))
        self._await_ready([name])
        return f"http://{LOOPBACK}:{port}"

    def migrate(self) -> None:
        """Bring the database to what the code of `project` needs. Raises StartFailed."""
        migration = self._spawn("migrate", processes.migrations())
        try:
            status = migration.wait(_START_WITHIN_S)
        finally:
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
        for spec in self.options.workers:
            self._launch_worker(spec)
        self._await_ready(list(self.children))

    def _require_given_servers(self) -> None:
        if self.settings.database_url is not None:
            require_database(DatabaseSettings(database_url=self.settings.database_url))
        if self.settings.redis_url is not None:
            require_redis(RedisSettings(redis_url=self.settings.redis_url))

    def _postgres(self) -> str:
        if self.settings.database_url is not None:
            return DatabaseSettings(database_url=self.settings.database_url).libpq_url
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
        self._embedded[server.name] = server
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
        self._launch(
            Program(
                name="simulator",
                command=command,
                is_ready=accepts_at(port),
                port=port,
                port_variable="SIMULATOR_PORT",
            )
        )

    def _launch_api(self) -> None:
        port = self._port("api_port")
        self.api_url = f"http://{LOOPBACK}:{port}"
        self._launch(self._api("api", port))

    def _api(self, name: str, port: int) -> Program:
        return Program(
            name=name,
            command=processes.api(),
            is_ready=serves_at(port),
            kind=Kind.API,
            port=port,
            port_variable="API_PORT",
            environment={"API_PORT": str(port), "FLOWER_URL": self.flower_url},
        )

    def _launch_flower(self) -> None:
        port = self._port("flower_port")
        self.flower_url = f"http://{LOOPBACK}:{port}"
        self._launch(
            Program(
                name="flower",
                command=processes.flower(port=port),
                is_ready=accepts_at(port),
                port=port,
                port_variable="FLOWER_PORT",
            )
        )

    def _launch_worker(self, spec: Worker) -> None:
        port = free_port()
        self.metrics_urls[spec.name] = f"http://{LOOPBACK}:{port}/metrics"
        self._launch(
            Program(
                name=spec.name,
                command=processes.worker(spec),
                is_ready=takes_messages,
                kind=Kind.WORKER,
                environment={"WORKER_METRICS_PORT": str(port)},
            )
        )

    def _launch(self, program: Program) -> None:
        self._programs[program.name] = program
        self.children[program.name] = self._spawn(program.name, program.command, program.environment)

    def _spawn(self, name: str, command: Sequence[str], more: Mapping[str, str] | None = None) -> Child:
        environment = {**self.environment, **(more or {})}
        return launch(name, command, log=self.logs / f"{name}.log", env=environment, cwd=self.project)

    def _await_ready(self, names: Sequence[str]) -> None:
        """Return when all are ready, and tell of each as soon as it is. Raises StartFailed."""
        waiting = list(names)
        while waiting:
            ready = [name for name in waiting if self.is_ready(name)]
            for name in ready:
                waiting.remove(name)
                self._tell(self.title(name))
            time.sleep(_LOOK_AGAIN_S)

    def _port(self, name: str) -> int:
        """As the environment says, else any free one where that is wanted, else the usual one."""
        if self.options.free_ports and name not in self.settings.model_fields_set:
            return free_port()
        port: int = getattr(self.settings, name)
        return require_free(port, variable=name.upper())


@contextlib.contextmanager
def _only_stack_in(directory: Path) -> Iterator[IO[str]]:
    """Redis, unlike Postgres, would let two servers write the same file."""
    with (trusted_folder(directory) / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise StartFailed(
                f"Another stack works in {directory}. Stop it, or choose another directory with DATA_DIR."
            ) from err
        yield lock
