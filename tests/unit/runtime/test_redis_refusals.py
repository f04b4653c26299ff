"""The remedy fits what Redis says, whatever its host is called and whatever the password is."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from runtime.redis_refusals import redis_refusal


@pytest.mark.parametrize(
    "host",
    ["room.example", "redis-cluster.svc", "redis-tls.example", "noauth", "readonly.example", "ssl-timeout"],
)
@pytest.mark.parametrize(
    ("says", "helps"),
    [
        ("Error 111 connecting to {}:6379. Connection refused.", "Start it"),
        ("Error -2 connecting to {}:6379. Name or service not known.", "DNS"),
        ("Error while reading from {}:6379 : (104, 'Connection reset by peer')", "ended the connection"),
        ("Error 24 connecting to {}:6379. Too many open files.", "ulimit"),
        (
            (
                "Error 1 connecting to {0}:6379. [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname "
                "mismatch, certificate is not valid for '{0}'. (_ssl.c:1006)."
            ),
            "REDIS_CA_FILE",
        ),
    ],
)
def test_the_name_of_the_host_is_no_reason(host: str, says: str, helps: str) -> None:
    refusal = redis_refusal(RedisConnectionError(says.format(host)), None)

    assert helps in refusal.remedy
    assert host in refusal.says


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (ResponseError("wrong number of arguments for 'auth' command"), "no users"),
        (ResponseError("unknown command 'EVALSHA', with args beginning with: "), "lacks a command"),
        (ResponseError("max daily request limit exceeded. Limit: 10000, Usage: 10000."), "plan"),
        (ResponseError("max request size exceeded"), "plan"),
        (ResponseError("max requests limit exceeded. Limit: 500000"), "plan"),
        (ResponseError("invalid DB index"), "number at the end"),
        (
            RedisConnectionError(
                "Error 1 connecting to h:6379. [X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4154)."
            ),
            "REDIS_CA_FILE",
        ),
        (
            RedisConnectionError("Error 1 connecting to h:6379. [X509] PEM lib (_ssl.c:4154)."),
            "REDIS_CA_FILE",
        ),
        (InvalidResponse("Protocol Error: b'HTTP/1.1 400 Bad Request'"), "no Redis"),
        (RedisTimeoutError("Timeout reading from ssl.example:6379"), "does not answer"),
    ],
)
def test_what_hosted_and_old_servers_say_has_a_remedy_of_its_own(error: RedisError, helps: str) -> None:
    assert helps in redis_refusal(error, None).remedy


@pytest.mark.parametrize("password", ["e", "refused", "Connection", "6379", "Error"])
def test_a_password_that_is_a_word_of_the_sentence_changes_no_remedy(password: str) -> None:
    refusal = redis_refusal(
        RedisConnectionError("Error 111 connecting to h:6379. Connection refused."), password
    )

    assert "Start it" in refusal.remedy
    assert password not in refusal.says


def test_no_piece_of_a_password_is_left_where_the_sentence_is_cut() -> None:
    for before in range(250, 300):
        refusal = redis_refusal(ResponseError("x" * before + "hunter2-hunter2"), "hunter2-hunter2")
        assert "hunt" not in refusal.says
