"""Replies as they came over the wire, for a rehearsal: kept beside the call, and scrubbed before they are saved."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anthropic
import httpx2

#: Kept of a reply's head. Others may name an account.
_HEADERS: Final = re.compile(r"content-type|content-encoding|request-id|retry-after|anthropic-ratelimit-.*")
_LONGEST_BYTES: Final = 4_000_000
_SECRETS: Final = (
    (re.compile(r"sk-[A-Za-z0-9_-]{8,}"), "sk-scrubbed"),
    (re.compile(r"\b(msg|req|org|acct|user|container|wrkspc)_[A-Za-z0-9]{2,64}"), r"\1_recorded"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "id_recorded"),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{2,64}"), "address_recorded"),
)


@dataclass
class Recording:
    """One answer to a Messages request."""

    status: int
    headers: Mapping[str, str]  #: names in lower case, those that we build on
    chunks: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The body, decompressed. What cannot be decoded is replaced by a sign for it."""
        body = b"".join(self.chunks)
        if "content-encoding" in self.headers:
            encoding = {"content-encoding": self.headers["content-encoding"]}
            with contextlib.suppress(httpx2.DecodingError):  # then it is compared, and saved, as it came
                body = httpx2.Response(self.status, headers=encoding, content=body).content
        return body.decode(errors="replace")

    def events(self) -> list[dict[str, Any]]:
        """The data of the stream's events, in order; data that is no JSON object has the type `unreadable`."""
        lines = self.text.split("\n")
        return [_object(line.removeprefix("data:").strip()) for line in lines if line.startswith("data:")]

    def scrubbed(self) -> str:
        """The body without keys, addresses, and ids of messages, requests and accounts."""
        text = self.text
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
        return text


def _object(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"type": "unreadable"}


def record(client: anthropic.Anthropic) -> list[Recording]:
    """A list that grows with every answer to a Messages request that this client gets from now on."""
    found: list[Recording] = []

    def keep(response: httpx2.Response) -> None:
        if not response.request.url.path.endswith("/messages"):
            return
        headers = {name.lower(): value for name, value in response.headers.items()}
        recording = Recording(
            response.status_code, {name: value for name, value in headers.items() if _HEADERS.fullmatch(name)}
        )
        found.append(recording)
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Copied(response.stream, recording.chunks)

    hooks = client._client.event_hooks  # noqa: SLF001 - the SDK has no other way to its HTTP client
    client._client.event_hooks = {**hooks, "response": [*hooks["response"], keep]}  # noqa: SLF001
    return found


class _Copied(httpx2.SyncByteStream):
    """The same bytes, of which a copy is kept up to a bound."""

    def __init__(self, stream: httpx2.SyncByteStream, chunks: list[bytes]) -> None:
        self._stream = stream
        self._chunks = chunks
        self._left = _LONGEST_BYTES

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if self._left > 0:
                self._chunks.append(chunk[: self._left])
                self._left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._stream.close()
