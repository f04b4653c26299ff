"""The HTTP server around the app: uvicorn, told to end the streams before it waits for them."""

from __future__ import annotations

import socket
import time

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.door import Door

#: Calls that are not done this long after the signal to stop are cut off.
GRACE_S = 10

#: An idle connection is kept for longer than callers keep theirs (balancers 60 s): who closes first while the
#: other sends again breaks that call, and a call that is not sent twice by itself is lost.
KEEP_ALIVE_S = 75


#: A head, or what follows a body, that is longer is no call of ours; the parser itself would read for ever.
MAX_HEAD_BYTES = 65_536


class _Timed(HttpToolsProtocol):
    """Tells each call when its bytes were read: its wait for the loop's attention counts as ours.

    Hangs up on who sends more and more without ever coming to the end of a head or to a piece of a body.
    """

    _unfinished = 0  #: bytes that have been read since the last end or piece

    def data_received(self, data: bytes) -> None:
        self.app_state["read_at"] = time.perf_counter()  # which a request copies that begins with these bytes
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Too long a head.")

    def on_headers_complete(self) -> None:
        self._unfinished = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        super().on_message_complete()


class DoorServer(uvicorn.Server):
    """Serves one app on one socket. Open streams and waiting calls end as soon as it shuts down."""

    def __init__(self, app: FastAPI) -> None:
        self._door: Door = app.state.door
        super().__init__(
            uvicorn.Config(
                app,
                http=_Timed,
                ws="none",
                lifespan="on",
                log_config=None,  # ours, with the request's ids
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S,
                timeout_keep_alive=KEEP_ALIVE_S,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._door.hub.close()
        await super().shutdown(sockets)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises OSError when the address is taken or is not this machine's."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener
