"""Follows a session's server-sent events, and goes on after a break exactly where it stopped."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

_AGAIN_AFTER_S = 0.3
_SILENCE_S = 60


@dataclass(frozen=True, slots=True)
class ServerEvent:
    id: int
    kind: str
    data: Any


class Follower(threading.Thread):
    """Calls `on_event` on its own thread, in order, each event once. Closes `http` in the end.

    `on_event` returns False to break the connection on purpose; the follower connects again.
    """

    def __init__(
        self,
        http: httpx2.Client,
        url: str,
        on_event: Callable[[ServerEvent], bool],
        *,
        on_connect: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name="events", daemon=True)
        self._http = http
        self._url = url
        self._on_event = on_event
        self._on_connect = on_connect
        self._leaving = threading.Event()
        self._last_id = 0

    def leave(self) -> None:
        """Read no further; the thread ends with its connection."""
        self._leaving.set()

    def run(self) -> None:
        with self._http:
            while not self._leaving.is_set():
                try:
                    self._follow()
                except httpx2.HTTPError:
                    self._leaving.wait(_AGAIN_AFTER_S)

    def _follow(self) -> None:
        headers = {"Last-Event-ID": str(self._last_id), "Accept": "text/event-stream"}
        timeout = httpx2.Timeout(5, read=_SILENCE_S)
        with self._http.stream("GET", self._url, headers=headers, timeout=timeout) as response:
            response.raise_for_status()
            if response.status_code == httpx2.codes.NO_CONTENT:  # the session is over, and all of it was read
                self._leaving.set()
                return
            self._on_connect()
            for event in read_events(lines_of(response.iter_text())):
                if self._leaving.is_set():
                    return
                self._last_id = event.id
                if not self._on_event(event):
                    return


def read_events(lines: Iterable[str]) -> Iterator[ServerEvent]:
    """The events of a stream of lines; one that the end cuts off is left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        else:
            if "data" in fields:
                yield ServerEvent(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


def lines_of(chunks: Iterable[str]) -> Iterator[str]:
    """Lines ended by a newline only: a question may hold characters that other splitters take for one."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        yield from whole
