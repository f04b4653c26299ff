"""The HTTP server around the app: uvicorn with bounds; at shutdown the streams end before it waits for them."""

from __future__ import annotations

import asyncio
import resource
import socket

import structlog
import uvicorn
from fastapi import FastAPI

from api.connection import BoundedProtocol, ServedConnections
from api.connection_limits import ENDING_BEYOND_LIMIT, ConnectionLimits
from api.context import AppContext
from runtime.api_settings import ApiSettings

log = structlog.get_logger(__name__)

#: Calls that are not done this long after the signal to stop are cut off.
GRACE_S = 10

#: How often connections are looked through for those whose client has had its time.
SWEEP_PERIOD_S = 0.5

#: For the app to answer a late body, before its connection is ended.
_BODY_MARGIN_S = 5

#: New connections that are taken in one turn of the loop; each has a descriptor before it can be refused.
ACCEPTED_AT_ONCE = 32

#: New connections that the kernel keeps until they are taken.
_LISTEN_BACKLOG = 1024

#: What the process has open beside clients' and the database's connections: Redis, logs, the loop, a key set.
_OTHER_FILES = 64


class ApiServer(uvicorn.Server):
    """Serves one app on one socket. Open streams and waiting calls end as soon as it shuts down."""

    server_state: ServedConnections

    def __init__(self, app: FastAPI) -> None:
        self._context: AppContext = app.state.context
        self._limits = _limits(self._context.settings)
        self._next_sweep: asyncio.TimerHandle | None = None
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                loop="asyncio",  # whose transports the bounds know; else uvloop, wherever it happens to be installed
                ws="none",
                lifespan="on",
                log_config=None,  # ours, with the request's ids
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=ACCEPTED_AT_ONCE,
                timeout_graceful_shutdown=GRACE_S,
                timeout_keep_alive=round(self._limits.idle_s),
            )
        )
        metrics = self._context.metrics
        files = (
            ACCEPTED_AT_ONCE + ENDING_BEYOND_LIMIT + _OTHER_FILES + round(self._context.threads.total_tokens)
        )
        most = affordable_connections(self._context.settings.api_max_connections, other_files=files)
        self.server_state = ServedConnections(self._limits, most, metrics)
        metrics.connections.set_function(lambda: len(self.server_state.connections))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_LISTEN_BACKLOG)  # asyncio has just set it to the number that it takes at once
            _give_up_unread(listener, self._limits.send_s)
        self._sweep()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._context.notifier.close()
        try:
            await super().shutdown(sockets)
        finally:
            if self._next_sweep is not None:
                self._next_sweep.cancel()

    def _sweep(self) -> None:
        # First, so that no error ends the sweeping.
        self._next_sweep = asyncio.get_running_loop().call_later(SWEEP_PERIOD_S, self._sweep)
        self.server_state.end_overdue()


def _limits(settings: ApiSettings) -> ConnectionLimits:
    return ConnectionLimits(
        head_s=settings.api_head_timeout_s,
        body_s=settings.api_body_timeout_s + _BODY_MARGIN_S,
        idle_s=settings.api_idle_timeout_s,
        send_s=settings.api_send_timeout_s,
        max_head_bytes=settings.api_max_head_bytes,
    )


def affordable_connections(wanted: int, *, other_files: int) -> int:
    """As many as wanted, or fewer when the process may not open so many files; a warning tells how many.

    The process' own limit is raised for them as far as the system lets it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + other_files
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    fewer = max(1, soft - other_files)
    log.warning(
        "fewer_connections",
        text=f"API_MAX_CONNECTIONS={wanted} needs {needed} open files, and this process may have {soft}: it takes "
        f"{fewer} connections. Raise the limit (ulimit -n, LimitNOFILE) or lower the setting.",
        connections=fewer,
    )
    return fewer


def _give_up_unread(listener: socket.socket, seconds: float) -> None:
    """The kernel ends a connection whose client does not take, or confirm, what was sent for so long.

    What is written is in the kernel's hands first, which would keep it for a quarter of an hour.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; each connection inherits it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises OSError when the address is taken or is not this machine's."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_LISTEN_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
