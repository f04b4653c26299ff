"""The address of Redis: REDIS_URL in its one meaning for redis-py, for Celery's broker and for Flower."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from runtime.addresses import AddressError, login_and_place, parts_of, refuse_parameter, require_file

_LIKE = (
    "redis://user:password@host:6379/0, or begin with rediss:// for TLS; a socket file (unix://), "
    "Sentinel and a cluster cannot be used, because the queue's library has no such address"
)
_PORT = 6379
_MOST_DATABASES = 1 << 20

#: Both libraries' ways to say whether the server's certificate is verified.
_VERIFIES = {
    "required": True,
    "cert_required": True,
    "optional": True,
    "cert_optional": True,
    "none": False,
    "cert_none": False,
}
_FILES = {"ssl_ca_certs": "ca_file", "ssl_certfile": "certificate_file", "ssl_keyfile": "key_file"}
_KNOWN = {"db", "ssl_cert_reqs", "ssl_check_hostname", *_FILES}

_TLS = "which is not ours; write rediss:// for TLS"
_REFUSED = {
    "protocol": "which the queue's library does not know; remove it",
    "family": "which is ioredis'; remove it: IPv4 and IPv6 are both tried",
    "ssl": _TLS,
    "tls": _TLS,
    "socket_timeout": "which has a setting; remove it and set REDIS_SOCKET_TIMEOUT_S",
    "timeout": "which has a setting; remove it and set REDIS_SOCKET_TIMEOUT_S",
    "socket_connect_timeout": "which has a setting; remove it and set REDIS_CONNECT_TIMEOUT_S",
    "password": "which belongs before the @; write redis://:password@host:6379/0",
    "username": "which belongs before the @; write redis://user:password@host:6379/0",
    "virtual_host": "which is not ours; write the number of the database after the host: /0",
}


@dataclass(frozen=True, slots=True)
class RedisTls:
    verifies: bool  #: that the server is who it says, by its certificate
    checks_name: bool
    ca_file: str | None  #: None: the public authorities
    certificate_file: str | None
    key_file: str | None

    def arguments(self) -> dict[str, Any]:
        """The arguments of redis-py's and kombu's TLS connections, which are the same ones."""
        given = {
            "ssl_cert_reqs": ssl.CERT_REQUIRED if self.verifies else ssl.CERT_NONE,
            "ssl_check_hostname": self.verifies and self.checks_name,
            "ssl_ca_certs": self.ca_file,
            "ssl_certfile": self.certificate_file,
            "ssl_keyfile": self.key_file,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    host: str
    port: int
    database: int
    user: str | None
    password: str | None
    tls: RedisTls | None

    @classmethod
    def of(cls, text: str, *, ca_file: str | None = None) -> Self:
        """The address in this text. Raises AddressError. `ca_file` is used when the address names none."""
        parts = parts_of(text, schemes=("redis", "rediss"), like=_LIKE)
        for name in parts.query:
            if name not in _KNOWN:
                raise refuse_parameter(name, _REFUSED)
        if parts.host is not None and parts.host.startswith("/"):
            raise AddressError(f"must be like {_LIKE}")
        return cls(
            host=parts.host or "localhost",
            port=parts.port or _PORT,
            database=_database(parts.path, parts.query.get("db")),
            user=parts.user,
            password=parts.password,
            tls=_tls(parts.scheme, parts.query, ca_file),
        )

    @property
    def place(self) -> str:
        """Host and port, to be named in sentences."""
        return login_and_place(None, None, self.host, self.port)

    @property
    def url(self) -> str:
        """The address for Celery and Flower, which are told of TLS beside it: see RedisTls.arguments."""
        scheme = "redis" if self.tls is None else "rediss"
        return f"{scheme}://{login_and_place(self.user, self.password, self.host, self.port)}/{self.database}"

    def arguments(self) -> dict[str, Any]:
        """The arguments of redis-py's clients, blocking and asyncio."""
        tls = {} if self.tls is None else {"ssl": True, **self.tls.arguments()}
        return {
            "host": self.host,
            "port": self.port,
            "db": self.database,
            "username": self.user,
            "password": self.password,
            **tls,
        }


def require_no_other_broker() -> None:
    """Raises AddressError when a variable of Celery's own, which it prefers to our setting, names a broker."""
    for name in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
        if os.environ.get(name):
            raise AddressError(f"{name} would lead the queue past REDIS_URL. Unset it")


def _database(path: str | None, parameter: str | None) -> int:
    if path is not None and parameter is not None:
        raise AddressError("names the database twice, after the host and as the parameter db")
    number = path or parameter or "0"
    if re.fullmatch(r"[0-9]{1,7}", number) is None or int(number) > _MOST_DATABASES:
        raise AddressError("must end in the number of a database, like /0")
    return int(number)


def _tls(scheme: str, query: Mapping[str, str], ca_file: str | None) -> RedisTls | None:
    asked = [name for name in query if name.startswith("ssl_")]
    if scheme == "redis":
        if asked:
            raise AddressError(
                f"has the parameter {asked[0]}, but begins with redis://; write rediss:// for TLS"
            )
        return None
    files = {field: require_file(name, query[name]) for name, field in _FILES.items() if name in query}
    return RedisTls(
        verifies=_one_of(query, "ssl_cert_reqs", _VERIFIES),
        checks_name=_one_of(query, "ssl_check_hostname", {"true": True, "false": False}),
        ca_file=files.get("ca_file", ca_file),
        certificate_file=files.get("certificate_file"),
        key_file=files.get("key_file"),
    )


def _one_of(query: Mapping[str, str], name: str, meanings: Mapping[str, bool]) -> bool:
    word = query.get(name)
    if word is None:
        return True
    if word.lower() not in meanings:
        words = (known for known in meanings if not known.startswith("cert_"))
        raise AddressError(f"has a {name} that is none of {', '.join(words)}")
    return meanings[word.lower()]
