"""Ports on the loopback interface: find a free one, or say which setting chooses a port that is taken."""

from __future__ import annotations

import socket
from random import SystemRandom

LOOPBACK = "127.0.0.1"

#: Below the ports that systems give to connections: one of those is free only until some program connects.
_GIVEN_TO_SERVERS = range(20_000, 32_000)
_TRIES = 100


class PortTaken(Exception):
    """Another program listens on the port; the message names the variable that chooses another."""


def free_port() -> int:
    """A port that is free now. Another program may take it first, so a caller must be ready to ask again.

    Raises PortTaken.
    """
    for port in SystemRandom().sample(_GIVEN_TO_SERVERS, _TRIES):
        try:
            with socket.create_server((LOOPBACK, port)):
                return port
        except OSError:
            continue
    raise PortTaken(
        f"None of {_TRIES} ports from {_GIVEN_TO_SERVERS.start} to {_GIVEN_TO_SERVERS.stop} can be listened on."
    )


def require_free(port: int, *, variable: str) -> int:
    """The port, if it is free. Raises PortTaken."""
    try:
        with socket.create_server((LOOPBACK, port)):
            return port
    except OSError as err:
        raise PortTaken(
            f"Port {port} is in use by another program. Stop it, or choose another port with {variable}."
        ) from err


def accepts(port: int) -> bool:
    """Whether a program listens on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
