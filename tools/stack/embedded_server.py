"""How an embedded server is started, waited for and ended, whichever it is."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from tools.stack.child import Child, StartFailed, launch
from tools.stack.embedded_home import Home, open_home
from tools.stack.embedded_programs import Program, ServerKind, find_program
from tools.stack.ports import accepts, free_port

_START_WITHIN_S = 30
_PREPARE_WITHIN_S = 60
_STOP_WITHIN_S = 20
_TRIES = 5
_PORT_TAKEN = "address already in use"
_PREDECESSOR_LINGERS = "pre-existing shared memory block"
_DISK_FULL = "no space left on device"
_UNREADABLE = (
    "database files are incompatible with server",
    "can't handle rdb format version",
    "bad file format reading the append only file",
)
_PLAIN_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"}


class EmbeddedServer(ABC):
    """A server on the loopback interface, in a home of its own.

    Without `data_dir` the data are temporary, and `stop` removes them. `durable=False` trades them for speed:
    right for tests, and nothing else. Without `port` a free one is found. Without `log` the log is beside the data.
    """

    name: ClassVar[str]
    kind: ClassVar[ServerKind]
    ends_orderly_on: ClassVar[signal.Signals]

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        port: int | None = None,
        durable: bool = True,
        log: Path | None = None,
    ) -> None:
        self.url = ""  #: where it listens, with the password, once started
        self._data_dir = data_dir
        self._wanted_port = port
        self._durable = durable
        self._log = log
        self._home: Home | None = None
        self._program: Program | None = None
        self._child: Child | None = None

    def start(self) -> Self:
        """Accepts connections when this returns. Raises StartFailed."""
        self._home = open_home(self._data_dir, self.name.lower())
        try:
            self._program = find_program(self.kind, self._home.account)
            self._prepare()
            self._serve()
        except BaseException:
            self.stop()
            raise
        return self

    def restart(self) -> None:
        """Start a server that has ended again: same port, password and data. Raises StartFailed; try again then."""
        self._wanted_port = self._wanted_port or urlsplit(self.url).port
        self.child.stop(grace_s=0)
        self.url = ""
        self._prepare()
        self._serve()

    def stop(self) -> None:
        """End the server in an orderly way: all its writes are on disk."""
        if self._child is not None:
            self._child.stop(self.ends_orderly_on, grace_s=_STOP_WITHIN_S)
            self._child = None
        if self._home is not None:
            self._home.leave()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def home(self) -> Home:
        if self._home is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._home

    @property
    def program(self) -> Program:
        """The server program in use."""
        if self._program is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._program

    @property
    def child(self) -> Child:
        """The running server."""
        if self._child is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._child

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data and secrets that the server needs and does not have yet."""

    @abstractmethod
    def _command(self, port: int) -> list[str]: ...

    @abstractmethod
    def _address(self, port: int) -> str:
        """The URL that a client is given."""

    @abstractmethod
    def _answers(self, url: str) -> bool:
        """Whether a client that connects now is served."""

    def _serve(self) -> None:
        """Start on the wanted port, or on a free one; try again when another program took the free port first."""
        if self._wanted_port is not None and accepts(self._wanted_port):
            raise self._port_refusal(self._wanted_port)
        tries_left = _TRIES
        while not self.url or self._child is None:
            port = self._wanted_port or free_port()
            tries_left -= 1
            self._child = self._launch(self._command(port), when_orphaned=self.ends_orderly_on)
            try:
                self._await_answer(self._child, self._address(port))
            except StartFailed as err:
                if not self._is_worth_another_try(self._child) or tries_left == 0:
                    raise self._explained(self._child, port) from err

    def _await_answer(self, child: Child, url: str) -> None:
        child.await_ready(lambda: self._answers(url), within_s=_START_WITHIN_S)
        self.url = url

    def _is_worth_another_try(self, child: Child) -> bool:
        output = child.output().lower()
        return _PREDECESSOR_LINGERS in output or (_PORT_TAKEN in output and self._wanted_port is None)

    def _explained(self, child: Child, port: int) -> StartFailed:
        output = child.output().lower()
        if _PORT_TAKEN in output:
            return self._port_refusal(port)
        if _DISK_FULL in output:
            return StartFailed(
                f"{self.name} cannot start: the disk of {self.home.path} is full. Free some space."
            )
        if any(sign in output for sign in _UNREADABLE):
            return self._cannot_read_data()
        return StartFailed(f"{self.name} did not start. {child.last_words()}")

    def _cannot_read_data(self) -> StartFailed:
        return StartFailed(
            f"{self.program.path} cannot read the data in {self.home.path}: another version wrote them, or they are "
            f"damaged. Name that version's program with {self.kind.setting.upper()}, or choose another directory "
            "with DATA_DIR."
        )

    def _port_refusal(self, port: int) -> StartFailed:
        return StartFailed(
            f"{self.name} cannot listen on port {port}: another program does. Choose another port."
        )

    def _run(self, command: list[str]) -> None:
        """Run one of its programs to the end. Raises StartFailed."""
        child = self._launch(command, when_orphaned=signal.SIGKILL)
        child.wait(_PREPARE_WITHIN_S)
        if child.stop(grace_s=0) != 0:
            raise self._explained(child, port=0)

    def _launch(self, command: list[str], *, when_orphaned: signal.Signals) -> Child:
        return launch(
            self.name,
            command,
            log=self._log or self.home.path / "server.log",
            env=_PLAIN_ENVIRONMENT,
            cwd=Path("/"),  # where every account may be
            account=self.home.account,
            when_orphaned=when_orphaned,
        )
