"""How each process of the stack is started, when it is ready, and when it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from http.client import HTTPConnection, HTTPException

from tools.stack.child import Child
from tools.stack.ports import LOOPBACK, accepts


class Kind(IntEnum):
    """In the order in which they are stopped."""

    API = 1  #: first, so that no new requests come
    WORKER = 2  #: releases its batches, and needs the other processes for that
    OTHER = 3  #: the simulator and Flower hold no data


@dataclass(frozen=True, kw_only=True)
class Program:
    """How one process of the stack is started, the first time and again."""

    name: str  #: also of its log
    command: Sequence[str]
    is_ready: Callable[[Child], bool]
    kind: Kind = Kind.OTHER
    port: int | None = None  #: on which it listens, and no other process may
    port_variable: str = ""  #: the setting that chooses another port
    environment: Mapping[str, str] = field(default_factory=dict)  #: overrides that of the stack

    @property
    def title(self) -> str:
        """Its name for people."""
        return f"worker {self.name}" if self.kind is Kind.WORKER else self.name


def accepts_at(port: int) -> Callable[[Child], bool]:
    return lambda _child: accepts(port)


def serves_at(port: int) -> Callable[[Child], bool]:
    """An API process says itself whether it can serve."""
    return lambda _child: _says_ok(port, "/readyz")


def takes_messages(worker: Child) -> bool:
    """A worker is ready when Celery's log says so."""
    return " ready." in worker.output()


def _says_ok(port: int, path: str) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200  # noqa: PLR2004 -- OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
