"""What tests of the providers share: a small prompt, a reader of whole streams, a network of small pieces."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore2
import httpx2

from generation.cancellation import CancellationSignal
from generation.model_call import Prompt, StreamEnded, StreamEvent, SystemBlock, TextDelta
from providers.messages_client import MessagesClient
from tests.support.raw_server import RawServer

#: Fixtures: a server that plays a script, and a source that asks it.
ServeClaude = Callable[..., tuple[RawServer, MessagesClient]]
ServeOpenRouter = Callable[..., tuple[RawServer, MessagesClient]]

PROMPT = Prompt(
    system=(SystemBlock("القواعد", cached=False), SystemBlock("الأمثلة", cached=True)),
    user="اكتب سؤالًا واحدًا.",
    max_tokens=4000,
)


def read(
    provider: MessagesClient, stop: CancellationSignal | None = None, *, into: list[StreamEvent] | None = None
) -> list[StreamEvent]:
    """Every event of one stream. What came before an error is in `into`."""
    events: list[StreamEvent] = [] if into is None else into
    with provider.stream(PROMPT, stop or CancellationSignal()) as stream:
        events.extend(stream)
    return events


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def end_of(events: list[StreamEvent]) -> StreamEnded:
    last = events[-1]
    assert isinstance(last, StreamEnded)
    return last


def deliver_in_pieces(provider: MessagesClient, sizes: Sequence[int]) -> None:
    """From now on a read of the socket gives at most so many bytes, in turn: the worst of networks."""
    transport = provider.client._client._transport
    assert isinstance(transport, httpx2.HTTPTransport)
    pool = transport._pool
    assert isinstance(pool, httpcore2.ConnectionPool)
    for connection in pool.connections:
        connection.close()  # an open one would go on as before
    backend = pool._network_backend
    pool._network_backend = _Pieces(backend._whole if isinstance(backend, _Pieces) else backend, sizes)


class _Pieces(httpcore2.NetworkBackend):
    def __init__(self, backend: httpcore2.NetworkBackend, sizes: Sequence[int]) -> None:
        self._whole = backend
        self._sizes = sizes

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._whole.connect_tcp(host, port, timeout, local_address, socket_options)
        return _PiecedStream(stream, self._sizes)


class _PiecedStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, sizes: Sequence[int]) -> None:
        self._stream = stream
        self._sizes = itertools.cycle(sizes)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(min(max_bytes, next(self._sizes)), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
