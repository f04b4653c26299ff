"""The students' tokens, and the endpoint that publishes their key: well behaved, or in turn in each way that harms."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

_KID = "soak"
_TOKEN_LASTS_S = 7200
_MODE_LASTS_S = 20
_SLOW_S = 8
_WEB_PAGE = b"<html>Sign in to the hotel's network</html>"


class SigningKeys:
    """Serves the key set on a port of its own while it is open."""

    def __init__(self, *, is_hostile: bool) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._is_hostile = is_hostile
        self._began = float("inf")  #: of the harm
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/keys"

    def begin(self) -> None:
        """From now on the endpoint harms, if it is to; before, it answers well, so that the API has the key."""
        self._began = time.monotonic() + _MODE_LASTS_S

    def token(self, user: str, *, kid: str = _KID) -> str:
        claims = {"sub": user, "aud": "authenticated", "role": "authenticated"}
        claims |= {"exp": int(time.time()) + _TOKEN_LASTS_S}  # type: ignore[dict-item]  # a number among texts
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": kid})

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(ConnectionError):  # the API gives up on a slow answer, as it should
                    keys.answer(self)

            def log_message(self, *_: Any) -> None:
                """No line for each call."""

        return Handler

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        """Well, then slow, a web page, an error, byte by byte, and again."""
        modes: list[Callable[[BaseHTTPRequestHandler], None]] = [self._well]
        since_s = max(0.0, time.monotonic() - self._began)
        if self._is_hostile:
            modes += [self._slowly, _web_page, _error, self._byte_by_byte]
        modes[int(since_s / _MODE_LASTS_S) % len(modes)](call)

    def _well(self, call: BaseHTTPRequestHandler) -> None:
        _send(call, 200, self._key_set())

    def _slowly(self, call: BaseHTTPRequestHandler) -> None:
        time.sleep(_SLOW_S)
        self._well(call)

    def _byte_by_byte(self, call: BaseHTTPRequestHandler) -> None:
        call.send_response(200)
        call.send_header("Content-Length", str(len(self._key_set())))
        call.end_headers()
        for byte in self._key_set():
            call.wfile.write(bytes([byte]))
            call.wfile.flush()
            time.sleep(0.5)

    def _key_set(self) -> bytes:
        made = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        return json.dumps({"keys": [made | {"kid": _KID, "use": "sig", "alg": "ES256"}]}).encode()


def _web_page(call: BaseHTTPRequestHandler) -> None:
    _send(call, 200, _WEB_PAGE)


def _error(call: BaseHTTPRequestHandler) -> None:
    _send(call, 503, b"")


def _send(call: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    call.send_response(status)
    call.send_header("Content-Length", str(len(body)))
    call.end_headers()
    call.wfile.write(body)
