"""The variables by which libraries find proxies and certificate authorities, where they prevent a client.

HTTP clients read them by themselves and raise all sorts of errors; an operator is told which variable is wrong.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

from runtime.addresses import is_near

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
#: A name, with a star or a point before it, or an IPv4 address; with a scheme or a port, if the operator wants.
_EXCEPTION = re.compile(r"(https?://)?[A-Za-z0-9*._\-]+(:\d{1,5})?")
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def environment_problem(error: BaseException) -> str:
    """Why no HTTP client could be made, in a sentence that quotes no proxy's password."""
    if isinstance(error, ImportError):
        named = _those_set(_PROXIES, lambda value: value.lower().startswith("socks"))
        return f"{named} names a SOCKS proxy, which needs a package that is not installed. Name an HTTP proxy, or unset it"
    if isinstance(error, OSError):
        named = _those_set(_AUTHORITIES, lambda _: True)
        reason = error.strerror or "it holds no certificate"
        return f"{named} names certificates that cannot be read ({reason}). Correct or unset it"
    named = _those_set(_PROXIES, lambda value: not _is_proxy(value))
    return f"{named} is no address of a proxy, like http://proxy.example:3128. Correct or unset it"


def client_options(url: str) -> dict[str, Any]:
    """How a client for this address uses the environment: no proxy stands before a near server."""
    parts = urlsplit(url)
    if not is_near(parts.hostname):
        return {"trust_env": True}
    own_authorities = {"verify": ssl.create_default_context()} if parts.scheme == "https" else {}
    return {"trust_env": False, **own_authorities}


def readable_exceptions(no_proxy: str) -> str:
    """NO_PROXY without what HTTP clients cannot read: networks of IPv6, which no provider has, and mistakes.

    A client that reads one of these is not made at all, and its error names no variable.
    """
    names = (name.strip() for name in no_proxy.split(","))
    return ",".join(
        name for name in names if _is_network_of_ipv4(name) or _EXCEPTION.fullmatch(name) or _is_ipv6(name)
    )


def _is_network_of_ipv4(text: str) -> bool:
    return re.fullmatch(r"[0-9.]{7,15}/[0-9]{1,2}", text) is not None


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text.strip())
    except ValueError:
        return False
    return True


def _is_proxy(value: str) -> bool:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _those_set(names: tuple[str, ...], is_meant: Callable[[str], bool]) -> str:
    written = [name for upper in names for name in (upper, upper.lower()) if os.environ.get(name)]
    return " and ".join(name for name in written if is_meant(os.environ[name])) or " or ".join(
        written or names
    )
