from __future__ import annotations

import json
from unittest.mock import patch

import pytest
from kombu.transport.redis import PrefixedStrictRedis
from redis import ConnectionPool, Redis
from redis.exceptions import ConnectionError as BrokerLost

from worker.app import app
from worker.broker import (
    RECONNECT_AT_LATEST_S,
    GuardedClient,
    GuardedConnection,
    GuardedTransport,
    message_dropped,
)


@pytest.fixture
def connection() -> GuardedConnection:
    return GuardedConnection(  # type: ignore[no-untyped-call]  # kombu has no types
        "redis://127.0.0.1:9/0", transport_options={"socket_connect_timeout": 0.1}
    )


def test_every_process_reaches_the_broker_the_guarded_way() -> None:
    assert app.amqp.Connection is GuardedConnection


def test_messages_are_enqueued_the_guarded_way_too(connection: GuardedConnection) -> None:
    """An API process whose producer met kombu's AttributeError answered 500."""
    with connection.Pool(limit=1).acquire() as pooled:  # type: ignore[no-untyped-call]  # kombu has no types
        assert pooled.get_transport_cls() is GuardedTransport
        assert pooled.transport_options == connection.transport_options


def test_a_channel_closed_after_its_connection_counts_as_a_lost_connection(
    connection: GuardedConnection,
) -> None:
    """kombu's AttributeError there ended workers when Redis went away under them."""
    transport = connection.transport
    channel = object.__new__(GuardedTransport.Channel)
    channel.connection = transport
    transport.client = None
    with pytest.raises(BrokerLost):
        channel._connparams()
    assert BrokerLost in connection.connection_errors


def test_a_channel_keeps_one_client_for_its_commands_and_leaves_it_with_its_pool() -> None:
    """kombu makes one for each command, which takes longer than the command."""
    channel = object.__new__(GuardedTransport.Channel)
    channel.Client = Redis
    channel._pool = ConnectionPool()
    client = channel._create_client()
    assert channel._create_client() is client
    channel._pool = ConnectionPool()  # as after a lost connection
    assert channel._create_client().connection_pool is channel._pool


def test_a_long_outage_does_not_make_the_worker_look_rarely(
    connection: GuardedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", pauses.append)

    def note(_error: Exception, interval: float) -> None:
        pauses.append(interval)

    with pytest.raises(Exception, match="refused"):
        connection._ensure_connection(note, max_retries=12)
    assert len(pauses) > 8
    assert max(pauses) <= RECONNECT_AT_LATEST_S


def test_kombu_may_name_its_pauses_or_not(connection: GuardedConnection) -> None:
    """As when a message cannot be enqueued: kombu looks for the broker with its pauses in their places."""
    with pytest.raises(Exception, match="refused"):
        connection._ensure_connection(None, 1, 0, 0, 0, reraise_as_library_errors=False)


def test_a_message_that_is_dropped_is_told_to_whoever_counts() -> None:
    reasons: list[str] = []

    def note(reason: str, **_: object) -> None:
        reasons.append(reason)

    message_dropped.connect(note)
    assert given_to_kombu(b'{"content-type": "application/json"}') is None
    assert reasons == ["content-encoding must be utf-8"]


def test_other_answers_of_redis_reach_kombu_as_they_are() -> None:
    assert given_to_kombu(b"[[[", command="LPOP") == [b"queue", b"[[["]


def test_the_answer_to_a_command_reaches_flower() -> None:
    answer = json.dumps(
        {
            "body": '{"worker": {"ok": "pong"}}',
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {},
            "properties": {
                "delivery_tag": "1",
                "delivery_info": {"exchange": "reply.celery.pidbox", "routing_key": "1"},
            },
        }
    ).encode()
    assert given_to_kombu(answer, queue=b"1.reply.celery.pidbox") == [b"1.reply.celery.pidbox", answer]
    assert given_to_kombu(answer) is None


def given_to_kombu(text: bytes, *, command: str = "BRPOP", queue: bytes = b"queue") -> object:
    """What kombu is handed when Redis answers with this text."""
    with patch.object(PrefixedStrictRedis, "parse_response", return_value=[queue, text]):
        client = GuardedClient(global_keyprefix="")  # type: ignore[no-untyped-call]  # kombu has no types
        return client.parse_response(None, command)
