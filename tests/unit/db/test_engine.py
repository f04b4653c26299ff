"""The engine's connection arguments and error messages, without a server."""

from __future__ import annotations

import pytest

from db.engine import connect_arguments, make_engine, unreachable
from runtime.settings import DatabaseSettings

URL = "postgresql://student:hunter2@db.example:6543/exams"


def settings(**changes: object) -> DatabaseSettings:
    return DatabaseSettings(database_url=URL).model_copy(update=changes)


def test_a_direct_connection_sets_its_timeouts_when_it_connects() -> None:
    arguments = connect_arguments(settings(database_statement_timeout_ms=1234), "api")

    assert "-c statement_timeout=1234" in arguments["options"]
    assert arguments["application_name"] == "api"
    assert "prepare_threshold" not in arguments


def test_behind_a_transaction_pooler_nothing_is_prepared_or_set_for_the_session() -> None:
    arguments = connect_arguments(settings(database_session_mode=False), "api")

    assert arguments["prepare_threshold"] is None
    assert "options" not in arguments


@pytest.mark.parametrize("url", [URL, "postgres://db.example/exams", "postgresql+psycopg://db.example/exams"])
def test_an_engine_is_made_without_connecting(url: str) -> None:
    engine = make_engine(settings(database_url=url), "api")

    assert engine.dialect.driver == "psycopg"
    assert "Connections in pool: 0" in engine.pool.status()


def test_the_error_names_the_host_and_no_credential() -> None:
    message = str(unreachable(settings()))

    assert "db.example:6543" in message
    assert not any(word in message for word in ("hunter2", "student", "exams"))


def test_the_error_for_a_socket_names_the_socket() -> None:
    assert "the local socket" in str(unreachable(settings(database_url="postgresql:///exams")))
