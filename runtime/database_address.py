"""The address of Postgres: DATABASE_URL in its one meaning for SQLAlchemy, psycopg and Alembic."""

from __future__ import annotations

import os
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from runtime.addresses import (
    SEVERAL_HOSTS,
    AddressError,
    Parts,
    is_near,
    login_and_place,
    parts_of,
    quoted,
    refuse_parameter,
    require_file,
)

_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")
_LIKE = "postgresql://user:password@host:5432/database"

#: What libpq knows by these names, with the values that it takes; an empty tuple: any value.
_PARAMETERS: Mapping[str, Collection[str]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslrootcert": (),
    "sslcert": (),
    "sslkey": (),
    "sslcrl": (),
    "sslsni": ("0", "1"),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": ("TLSv1.2", "TLSv1.3"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "primary"),
    "host": (),
}
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
#: Where systems keep all public authorities in one file.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/cert.pem",  # macOS
)
_VERIFYING = ("verify-ca", "verify-full")

_POOLER = "remove it, and behind a transaction pooler set DATABASE_SESSION_MODE=false"
_REFUSED = {
    "options": "which would take the place of our own time limits; remove it, and set defaults with ALTER ROLE ... SET",
    "pgbouncer": f"which is Prisma's; {_POOLER}",
    "prepare_threshold": f"which is not libpq's; {_POOLER}",
    "prepared_statements": f"which is not libpq's; {_POOLER}",
    "statement_cache_size": f"which is asyncpg's; {_POOLER}",
    "connection_limit": "which is Prisma's; remove it and set DATABASE_POOL_SIZE",
    "pool_timeout": "which is Prisma's; remove it and set DATABASE_POOL_SIZE",
    "pool_size": "which is not libpq's; remove it and set DATABASE_POOL_SIZE",
    "schema": "which is Prisma's; remove it: our tables have their own schema",
    "connect_timeout": "which has a setting; remove it and set DATABASE_CONNECT_TIMEOUT_S",
    "statement_timeout": "which has a setting; remove it and set DATABASE_STATEMENT_TIMEOUT_MS",
    "application_name": "which is set by each process; remove it",
    "ssl": "which is not libpq's; write sslmode=verify-full",
    "sslaccept": "which is Prisma's; write sslmode=verify-full, or sslmode=require to encrypt without verifying",
    "user": "which belongs before the @; write postgresql://user:password@host:5432/database",
    "password": "which belongs before the @; write postgresql://user:password@host:5432/database",
    "dbname": "which belongs after the host; write postgresql://user:password@host:5432/database",
    "port": "which belongs after the host; write postgresql://user:password@host:5432/database",
}


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where Postgres is and who we are there. `tls` holds libpq's parameters, by libpq's names."""

    host: str | None
    port: int | None
    user: str | None
    password: str | None
    database: str | None
    tls: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> Self:
        """The address in this text. Raises AddressError."""
        parts = parts_of(text, schemes=_SCHEMES, like=_LIKE)
        for name, value in parts.query.items():
            _check_parameter(name, value)
        tls = {name: value for name, value in parts.query.items() if name != "host"}
        return cls(
            host=_host_of(parts),
            port=parts.port,
            user=parts.user,
            password=parts.password,
            database=parts.path,
            tls=tls,
        )

    def verified(self, ca_file: str | None) -> Self:
        """The address with TLS that verifies the server, unless it says another sslmode or the server is near.

        `ca_file`: the authorities that are trusted when the address names none; None: the public ones.
        """
        tls = dict(self.tls)
        if not is_near(self.host):
            tls.setdefault("sslmode", "verify-full")
        if tls.get("sslrootcert") == "system":
            del tls["sslrootcert"]
        if ca_file is not None and tls.get("sslmode") != "disable":
            tls.setdefault("sslrootcert", ca_file)
        if tls.get("sslmode") in _VERIFYING:
            tls.setdefault("sslrootcert", public_authorities())
        return replace(self, tls=tls)

    @property
    def place(self) -> str:
        """Host and port, to be named in sentences."""
        host = self.host or "the local socket"
        return f"[{host}]:{self.port or 5432}" if ":" in host else f"{host}:{self.port or 5432}"

    @property
    def is_verified(self) -> bool:
        """Whether the server must prove who it is; a near one need not."""
        return is_near(self.host) or self.tls.get("sslmode") in _VERIFYING

    def url(self, scheme: str) -> str:
        """The address as text that libpq, SQLAlchemy and urllib read alike."""
        socket = self.host if self.host is not None and self.host.startswith("/") else None
        place = login_and_place(self.user, self.password, None if socket else self.host, self.port)
        query = {"host": socket, **self.tls} if socket else self.tls
        asked = "&".join(f"{name}={quoted(value)}" for name, value in query.items())
        return f"{scheme}://{place}/{quoted(self.database or '')}" + (f"?{asked}" if asked else "")


def public_authorities() -> str:
    """The file of the authorities that are trusted by default: the operator's, else this system's.

    libpq takes no folder of them, and its own "system" is the place where the wheel's OpenSSL was built.
    """
    own = os.environ.get("SSL_CERT_FILE")
    if own:
        return require_file("SSL_CERT_FILE", own)
    found = ssl.get_default_verify_paths().cafile
    return found or next((bundle for bundle in _BUNDLES if Path(bundle).is_file()), "system")


def _host_of(parts: Parts) -> str | None:
    socket = parts.query.get("host")
    if "," in (socket or parts.host or ""):
        raise AddressError(SEVERAL_HOSTS)
    if socket is None:
        return parts.host
    if parts.host is not None or not socket.startswith("/"):
        raise AddressError(
            "has the parameter host, which may only be the folder of a socket file (/run/postgresql)"
        )
    return socket


def _check_parameter(name: str, value: str) -> None:
    if name not in _PARAMETERS:
        raise refuse_parameter(name, _REFUSED)
    values = _PARAMETERS[name]
    if values and value not in values:
        raise AddressError(f"has a {name} that is none of {', '.join(values)}")
    if name in _FILES and value != "system":
        require_file(name, value)
