"""One meaning of an address for every library that connects."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.url import url_to_parts
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url
from sqlalchemy import create_engine, make_url

from runtime.addresses import AddressError
from runtime.database_address import DatabaseAddress
from runtime.redis_address import RedisAddress
from runtime.settings import DatabaseSettings, RedisSettings

SECRET = "hunter2"

words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda word: not word.startswith(("[", "<", "$", "{"))
)
hosts = st.sampled_from(["db", "db.example.com", "127.0.0.1", "[::1]", "[2001:db8::7]", "under_score"])
ports = st.integers(1, 65535)


@given(words, words, hosts, ports, words)
def test_sqlalchemy_and_libpq_read_the_same_database_address(
    user: str, password: str, host: str, port: int, database: str
) -> None:
    encoded = ":".join(quote(part, safe="") for part in (user, password))
    settings = DatabaseSettings(
        database_url=f"postgres://{encoded}@{host}:{port}/{quote(database, safe='')}?sslmode=require"
    )

    libpq = conninfo_to_dict(settings.libpq_url)
    dialect = create_engine("postgresql+psycopg://").dialect
    _, sqlalchemy = dialect.create_connect_args(make_url(settings.sqlalchemy_url))
    expected = {
        "user": user,
        "password": password,
        "host": host.strip("[]"),
        "port": str(port),
        "dbname": database,
        "sslmode": "require",
    }
    assert libpq == expected
    assert {name: str(value) for name, value in sqlalchemy.items() if name != "context"} == expected


@given(words, words, hosts, ports, st.integers(0, 15))
def test_the_queue_and_our_clients_read_the_same_redis_address(
    user: str, password: str, host: str, port: int, database: int
) -> None:
    encoded = ":".join(quote(part, safe="") for part in (user, password))
    address = RedisSettings(redis_url=f"redis://{encoded}@{host}:{port}/{database}").redis_address

    queue = url_to_parts(address.url)
    expected = {
        "host": host.strip("[]"),
        "port": port,
        "db": database,
        "username": user,
        "password": password,
    }
    assert address.arguments() == expected
    assert parse_url(address.url) == expected  # type: ignore[no-untyped-call]  # redis-py's
    assert (queue.hostname, queue.port, queue.username, queue.password, int(queue.path)) == (
        host.strip("[]"),
        port,
        user,
        password,
        database,
    )
    assert ";" not in address.url  # kombu would read two addresses


@given(st.text(max_size=60))
def test_whatever_is_written_is_an_address_or_refused_in_our_words(text: str) -> None:
    for read in (DatabaseAddress.of, RedisAddress.of):
        for prefix in ("", "postgresql://", "rediss://", "redis://user:password@host/"):
            try:
                read(prefix + text)
            except AddressError:
                continue


@pytest.mark.parametrize("around", ["{}\n", " {} ", '"{}"', "'{}'\r\n", "\ufeff{}", '\ufeff"{}"\n', "\t{}\t"])
def test_what_is_around_an_address_is_no_part_of_it(around: str) -> None:
    database = DatabaseSettings(database_url=around.format("postgres://u:p@h:5/d"))
    redis = RedisSettings(redis_url=around.format("redis://u:p@h:5/1"))

    assert database.libpq_url == "postgresql://u:p@h:5/d"
    assert redis.redis_address.url == "redis://u:p@h:5/1"


@pytest.mark.parametrize(
    ("address", "named"),
    [
        (f"postgresql://u:{SECRET}%@h/d", "% in its password"),
        (f"postgresql://u:{SECRET}%zz@h/d", "% in its password"),
        (f"postgresql://u%:{SECRET}@h/d", "% in its user"),
        (f"postgresql://u:{SECRET}@h1:1,h2:2/d", "several hosts"),
        (f"postgresql://u:{SECRET}@/d?host=/run/a,/run/b", "several hosts"),
        (f"postgresql://u:{SECRET}@%2Frun%2Fa%2C%2Frun%2Fb/d", "several hosts"),
        (f"postgresql://u:{SECRET}@h:port/d", "port"),
        (f"postgresql://u:{SECRET}@h:0/d", "port"),
        (f"postgresql://u:{SECRET}@h:65536/d", "port"),
        (f"postgresql://u:{SECRET}", "port"),
        ("postgresql://u:[YOUR-PASSWORD]@h/d", "placeholder as its password"),
        ("postgresql://u:%5BYOUR-PASSWORD%5D@h/d", "placeholder as its password"),
        ("postgresql://u:<password>@h/d", "placeholder as its password"),
        ("postgresql://u:${PASSWORD}@h/d", "placeholder as its password"),
        (f"postgresql://u:{SECRET}@<host>/d", "placeholder as its host"),
        (f"postgresql://u:{SECRET}@h/d?options=-csearch_path%3Dx", "parameter options"),
        (f"postgresql://u:{SECRET}@h/d?pgbouncer=true", "DATABASE_SESSION_MODE=false"),
        (f"postgresql://u:{SECRET}@h/d?connection_limit=1", "DATABASE_POOL_SIZE"),
        (f"postgresql://u:{SECRET}@h/d?connect_timeout=9", "DATABASE_CONNECT_TIMEOUT_S"),
        (f"postgresql://u:{SECRET}@h/d?supa=base-pooler.x", "parameter supa"),
        (f"postgresql://u:{SECRET}@h/d?sslmode=no-verify", "sslmode"),
        (f"postgresql://u:{SECRET}@h/d?ssl=true", "sslmode=verify-full"),
        (f"postgresql://u:{SECRET}@h/d?sslrootcert=/no/such.pem", "/no/such.pem"),
        (f"postgresql://u:{SECRET}@h/d?sslmode=require&sslmode=disable", "twice"),
        (f"postgresql://u:{SECRET}/x@h/d", "%2F"),
        (f"postgresql://u:{SECRET}?x@h/d", "%3F"),
        (f"postgresql://u:{SECRET}#x@h/d", "%23"),
        (f"postgresql://u:{SECRET} x@h/d", "space"),
        (f"postgresql://u:{SECRET}%0A@h/d", "line break"),
        (f"postgresql://u:{SECRET}@::1/d", "brackets"),
        (f"postgresql://u:{SECRET}@[h]/d", "brackets"),
        (f"postgresql://u:{SECRET}@hé/d", "host"),
        (f"postgresql+asyncpg://u:{SECRET}@h/d", "must be like postgresql://"),
        (f"jdbc:postgresql://u:{SECRET}@h/d", "must be like postgresql://"),
        (f"psql postgresql://u:{SECRET}@h/d", "space"),
        (f"postgresql://h/d?password={SECRET}", "parameter password"),
        (f"postgresql://h/d?{SECRET}=1", "name=value"),
    ],
)
def test_a_database_address_without_one_meaning_is_refused_by_its_part(address: str, named: str) -> None:
    with pytest.raises(AddressError) as refused:
        DatabaseAddress.of(address)

    assert named in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        (f"redis://:{SECRET}@h/foo", "number of a database"),
        (f"redis://:{SECRET}@h/-1", "number of a database"),
        (f"redis://:{SECRET}@h/0/1", "number of a database"),
        (f"redis://:{SECRET}@h/0?db=1", "twice"),
        (f"redis://:{SECRET}@h?protocol=3", "parameter protocol"),
        (f"redis://:{SECRET}@h?socket_timeout=5", "REDIS_SOCKET_TIMEOUT_S"),
        (f"redis://:{SECRET}@h?ssl_cert_reqs=required", "rediss://"),
        (f"redis://:{SECRET}@h?ssl=true", "rediss://"),
        (f"rediss://:{SECRET}@h?ssl_cert_reqs=perhaps", "ssl_cert_reqs"),
        (f"rediss://:{SECRET}@h?ssl_ca_certs=/no/such.pem", "/no/such.pem"),
        (f"redis://:{SECRET}@h1,h2", "several hosts"),
        (f"redis://:{SECRET}@h1;redis://h2", "several hosts"),
        (f"redis://:{SECRET}%@h", "% in its password"),
        (f"redis://:{SECRET}@h:6379x", "port"),
        (f"unix://:{SECRET}@/run/redis.sock", "socket file"),
        (f"redis+sentinel://:{SECRET}@h/main", "Sentinel"),
    ],
)
def test_a_redis_address_without_one_meaning_is_refused_by_its_part(address: str, named: str) -> None:
    with pytest.raises(AddressError) as refused:
        RedisAddress.of(address)

    assert named in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("postgres://u:@h/d", "postgresql://u@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:a@b@h/d", "postgresql://u:a%40b@h/d"),
        ("postgresql://u:a:b@h/d", "postgresql://u:a%3Ab@h/d"),
        ("postgresql://u:a[b@h/d", "postgresql://u:a%5Bb@h/d"),
        ("postgresql://u:p+q@h/d", "postgresql://u:p%2Bq@h/d"),
        ("PostgreSQL://u:p@H.Example/d?sslmode=disable", "postgresql://u:p@h.example/d?sslmode=disable"),
        ("postgresql:///d?host=/run/postgresql", "postgresql:///d?host=%2Frun%2Fpostgresql"),
        ("postgresql://u:p@%2Frun%2Fpostgresql/d", "postgresql://u:p@/d?host=%2Frun%2Fpostgresql"),
        ("postgresql://tenant.u:p@[::1]:6543/d", "postgresql://tenant.u:p@[::1]:6543/d"),
    ],
)
def test_what_has_one_meaning_is_written_in_one_way(address: str, read: str) -> None:
    assert DatabaseSettings(database_url=address).libpq_url == read


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://db.example.com/d", "verify-full"),
        ("postgresql://10.0.0.7/d", "verify-full"),
        ("postgresql://db.example.com/d?sslmode=require", "require"),
        ("postgresql://db.example.com/d?sslmode=disable", "disable"),
        ("postgresql://127.0.0.1/d", None),
        ("postgresql://postgres/d", None),
        ("postgresql:///d", None),
    ],
)
def test_a_server_elsewhere_must_prove_who_it_is_unless_the_address_says_otherwise(
    address: str, mode: str | None
) -> None:
    assert DatabaseSettings(database_url=address).database_address.tls.get("sslmode") == mode


def test_a_private_authority_is_a_setting(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    database = DatabaseSettings(database_url="postgresql://db.example.com/d", database_ca_file=str(ca))
    redis = RedisSettings(redis_url="rediss://h", redis_ca_file=f" {ca}\n")

    assert database.database_address.tls == {"sslmode": "verify-full", "sslrootcert": str(ca)}
    assert redis.redis_address.arguments()["ssl_ca_certs"] == str(ca)


@pytest.mark.parametrize(
    ("asked", "verifies"),
    [
        ("", True),
        ("?ssl_cert_reqs=required", True),
        ("?ssl_cert_reqs=CERT_REQUIRED", True),
        ("?ssl_cert_reqs=optional", True),
        ("?ssl_cert_reqs=none", False),
        ("?ssl_cert_reqs=CERT_NONE", False),
    ],
)
def test_redis_over_tls_is_verified_unless_the_address_says_otherwise(asked: str, verifies: bool) -> None:
    tls: Any = RedisAddress.of(f"rediss://h{asked}").tls

    assert tls.arguments()["ssl_cert_reqs"] is (ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE)
    assert tls.arguments()["ssl_check_hostname"] is verifies
