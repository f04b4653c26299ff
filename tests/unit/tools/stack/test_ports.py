from __future__ import annotations

import socket

import pytest

from tools.stack.ports import PortTaken, accepts, free_port, require_free


def test_a_port_in_use_is_refused_with_the_variable_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortTaken, match=rf"Port {port} is in use .* API_PORT"):
            require_free(port, variable="API_PORT")


def test_a_free_port_is_free() -> None:
    port = free_port()

    assert not accepts(port)
    assert require_free(port, variable="API_PORT") == port


def test_a_listener_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert accepts(listener.getsockname()[1])
