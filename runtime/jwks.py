"""The public keys that a project publishes for its tokens (a JWKS, RFC 7517), fetched within limits and checked.

Whatever the endpoint does, the caller gets usable keys within the deadline, or KeySetUnavailable with a sentence
that says what is wrong. No sentence quotes the address or the answer, because both can hold a secret.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import httpx2
from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWK, PyJWTError

from runtime.proxies import client_options, environment_problem

#: From the DNS look-up to the last byte. Calls whose key is known do not wait for it, so it can be long.
DEADLINE_S = 10.0
#: A project publishes two or three keys of a few hundred bytes, or of some thousands with certificates.
MAX_BYTES = 64 * 1024
MAX_KEYS = 64
#: Shorter keys are weak (RFC 7518, 3.3); longer ones make every call slow.
RSA_BITS = range(2048, 8192 + 1)

#: By type and curve: the one algorithm that such a key may verify, and the members that are read. Symmetric keys
#: are absent, and private members are never read.
_KINDS: Mapping[tuple[str, str | None], tuple[str, tuple[str, ...]]] = {
    ("RSA", None): ("RS256", ("kty", "n", "e")),
    ("EC", "P-256"): ("ES256", ("kty", "crv", "x", "y")),
    ("OKP", "Ed25519"): ("EdDSA", ("kty", "crv", "x")),
}

ALGORITHMS = tuple(algorithm for algorithm, _ in _KINDS.values())

#: By key id. Each key is bound to its one algorithm.
KeySet = Mapping[str, PyJWK]


class FetchOutcome(StrEnum):
    FETCHED = "fetched"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    STATUS = "status"  #: an answer other than 200
    TOO_LARGE = "too_large"
    UNUSABLE = "unusable"  #: 200, and no key in it that can be used
    ERROR = "error"  #: an unforeseen error


class KeySetUnavailable(Exception):
    """No key set is available now; the message says what the endpoint does instead."""

    def __init__(self, outcome: FetchOutcome, sentence: str) -> None:
        self.outcome = outcome
        super().__init__(sentence)


async def fetch_key_set(url: str, *, deadline_s: float = DEADLINE_S) -> KeySet:
    """The usable keys at this address, at least one. Raises KeySetUnavailable. Ends within the deadline."""
    try:
        async with asyncio.timeout(deadline_s):
            body = await _body(url)
            return await asyncio.to_thread(read_key_set, body)
    except TimeoutError as err:
        raise KeySetUnavailable(
            FetchOutcome.TIMEOUT, f"it did not answer completely within {deadline_s:g} s"
        ) from err
    # ValueError: an impossible address of the endpoint or a proxy. ImportError: a proxy that needs a package.
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, ImportError) as err:
        raise KeySetUnavailable(FetchOutcome.UNREACHABLE, _why_unreachable(err)) from err


async def _body(url: str) -> bytes:
    # In a thread, because making a client reads the certificate authorities' files.
    client = await asyncio.to_thread(_client, url)
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with client, client.stream("GET", url, headers=headers) as answer:
        if answer.status_code != httpx2.codes.OK:
            raise KeySetUnavailable(FetchOutcome.STATUS, _what_status(answer))
        body = bytearray()
        async for part in answer.aiter_raw():  # as sent: a compressed answer could grow without bound
            body += part
            if len(body) > MAX_BYTES:
                raise KeySetUnavailable(FetchOutcome.TOO_LARGE, f"it answers more than {MAX_BYTES} bytes")
        return bytes(body)


def _client(url: str) -> httpx2.AsyncClient:
    options = client_options(url)
    try:
        return httpx2.AsyncClient(timeout=None, follow_redirects=False, **options)
    except (ImportError, OSError, ValueError, httpx2.InvalidURL) as err:
        raise KeySetUnavailable(FetchOutcome.UNREACHABLE, environment_problem(err)) from err


def _what_status(answer: httpx2.Response) -> str:
    if answer.is_redirect:
        return f"it redirects ({answer.status_code}), which is not followed: set the address that it redirects to"
    return f"it answers {answer.status_code}"


def _why_unreachable(error: BaseException) -> str:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "its certificate cannot be verified"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "its TLS does not agree with ours"
    return f"it cannot be reached ({type(error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def read_key_set(body: bytes) -> KeySet:
    """The usable keys in a published set, at least one. Raises KeySetUnavailable.

    Keys of other types, for other uses or without an id are skipped. Of two keys with the same id the first counts.
    """
    try:
        published = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise _unusable("it answers something that is not JSON") from err
    listed = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(listed, list):
        raise _unusable("it answers JSON that is not a key set")
    if len(listed) > MAX_KEYS:
        raise _unusable(f"it publishes more than {MAX_KEYS} keys")
    usable: dict[str, PyJWK] = {}
    for published_key in listed:
        if (key := _usable(published_key)) is not None:
            usable.setdefault(published_key["kid"], key)
    if not usable:
        raise _unusable(
            f"none of the {len(listed)} keys that it publishes can verify {', '.join(ALGORITHMS)}"
        )
    return usable


def _unusable(sentence: str) -> KeySetUnavailable:
    return KeySetUnavailable(FetchOutcome.UNUSABLE, sentence)


def _usable(published: Any) -> PyJWK | None:
    """The key if it can verify tokens by one of ALGORITHMS, else None."""
    if not isinstance(published, dict) or not isinstance(published.get("kid"), str):
        return None
    kind = (published.get("kty"), published.get("crv"))
    algorithm, members = next((made for known, made in _KINDS.items() if known == kind), (None, ()))
    if algorithm is None or not _is_for(algorithm, published):
        return None
    try:
        key = PyJWK({name: published.get(name) for name in members}, algorithm)
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, ArithmeticError):
        return None
    return None if algorithm == "RS256" and key.key.key_size not in RSA_BITS else key


def _is_for(algorithm: str, published: Mapping[str, Any]) -> bool:
    operations = published.get("key_ops")
    return (
        published.get("use") in (None, "sig")
        and published.get("alg") in (None, algorithm)
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )
