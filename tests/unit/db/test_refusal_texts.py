"""The remedy fits what Postgres and poolers say, whatever the password is."""

from __future__ import annotations

import psycopg
import pytest

from db.refusals import Cause, PostgresRefusal, refusal_of
from runtime.database_address import DatabaseAddress


def refusal(says: str, password: str = "hunter2") -> PostgresRefusal:
    return refusal_of(
        psycopg.OperationalError(says), DatabaseAddress.of(f"postgresql://u:{password}@h.example/d")
    )


@pytest.mark.parametrize(
    ("says", "cause", "helps"),
    [
        ("FATAL: query_wait_timeout", Cause.FULL, "DATABASE_POOL_SIZE"),
        ("FATAL: Max client connections reached", Cause.FULL, "DATABASE_POOL_SIZE"),
        ("[Errno 24] Too many open files", Cause.FULL, "ulimit"),
        (
            'FATAL: database "d" is not currently accepting connections',
            Cause.NOT_ALLOWED,
            "ALLOW_CONNECTIONS",
        ),
        ("FATAL: client_login_timeout (server down)", Cause.STARTING, "Wait"),
        ("FATAL: terminating connection due to administrator command", Cause.STARTING, "Wait"),
        ("FATAL: (EDBHANDLEREXITED) connection to database closed. Check logs", Cause.STARTING, "Wait"),
        ("FATAL: terminating connection due to idle-session timeout", Cause.AWAY, "idle_session_timeout"),
        ("received invalid response to SSL negotiation: H", Cause.AWAY, "no Postgres"),
        ("expected authentication request from server, but received H", Cause.AWAY, "no Postgres"),
        ("FATAL: unsupported frontend protocol 3.0", Cause.AWAY, "no Postgres"),
        ("SSL SYSCALL error: EOF detected", Cause.AWAY, "Start it"),
        (
            (
                'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory Is the server running '
                "locally and accepting connections on that socket?"
            ),
            Cause.AWAY,
            "Start it",
        ),
        (
            'FATAL: could not access file "$libdir/plugins/x": No such file or directory',
            Cause.OTHER,
            "log of Postgres",
        ),
        (
            'private key file "/k" has group or world access; file must have permissions u=rw (0600) or less',
            Cause.CERTIFICATE,
            "chmod 600",
        ),
        ('certificate present, but not private key file "/k"', Cause.CERTIFICATE, "sslkey"),
        (
            "channel binding required, but server did not offer an authentication method that supports channel binding",
            Cause.LOGIN,
            "channel_binding",
        ),
        (
            "FATAL: your account or project has exceeded the compute time quota. Upgrade your plan",
            Cause.TENANT,
            "plan",
        ),
    ],
)
def test_what_poolers_proxies_and_hosts_say_has_a_remedy_of_its_own(
    says: str, cause: Cause, helps: str
) -> None:
    found = refusal(says)

    assert found.cause is cause
    assert helps in found.remedy


@pytest.mark.parametrize("password", ["e", "server", "closed", "connection"])
def test_a_password_that_is_a_word_of_the_sentence_changes_no_remedy(password: str) -> None:
    found = refusal("server closed the connection unexpectedly", password)

    assert found.cause is Cause.AWAY
    assert password not in found.says


def test_no_piece_of_a_password_is_left_where_the_sentence_is_cut() -> None:
    for after in range(285, 305):
        assert "er2" not in refusal("hunter2" + "x" * after).says
