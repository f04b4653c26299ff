"""A link that can go dead as real ones do: packets vanish, and nobody is told.

with Link(to=("127.0.0.1", 5432)) as link:
    connect to 127.0.0.1:link.port
    link.go_dead()   # both sides stay connected, new connections are taken, and nothing passes
    link.come_back() # what was held back arrives
"""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

_CHUNK = 65_536


class Link:
    def __init__(self, *, to: tuple[str, int]) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._passes = threading.Event()
        self._passes.set()
        self._closed = False
        self._sockets: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def go_dead(self) -> None:
        self._passes.clear()

    def come_back(self) -> None:
        self._passes.set()

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._passes.set()
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._accepting.join()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(near)
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        """The kernel has taken the connection already, as it does in front of a dead service."""
        self._passes.wait()
        if self._closed:
            return
        try:
            far = socket.create_connection(self._to)
        except OSError:
            near.close()
            return
        self._sockets.append(far)
        threading.Thread(target=self._pump, args=(far, near), daemon=True).start()
        self._pump(near, far)

    def _pump(self, provider: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := provider.recv(_CHUNK):
                self._passes.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):
            self._passes.wait()  # a dead link does not pass an end on either
            target.shutdown(socket.SHUT_WR)
