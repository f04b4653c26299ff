from __future__ import annotations

from typing import Any

import pytest
from celery.worker.control import Panel

from worker.app import app
from worker.remote_control import READ_ONLY_COMMANDS, ReadOnlyMailbox, ReadOnlyNode

NAME = "interactive@here"
ANSWERS = {"exchange": "reply.celery.pidbox", "routing_key": "asks"}
CHANGING = sorted(Panel.data.keys() - READ_ONLY_COMMANDS)


class Node(ReadOnlyNode):
    """Keeps its answers instead of sending them."""

    def reply(self, data: Any, exchange: str, routing_key: str, ticket: Any, **_: Any) -> None:
        self.answers.append((data, exchange, routing_key, ticket))

    answers: list[Any]


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def node(done: list[str]) -> Node:
    def handler(name: str) -> Any:
        def handle(_state: Any, **arguments: Any) -> str:
            assert not arguments
            done.append(name)
            return name

        return handle

    mailbox = ReadOnlyMailbox("celery", type="fanout")
    node = Node(NAME, handlers={name: handler(name) for name in Panel.data}, mailbox=mailbox)
    node.answers = []
    return node


def test_every_worker_has_the_mailbox_that_looks() -> None:
    assert isinstance(app.control.mailbox, ReadOnlyMailbox)


def test_what_looks_is_what_celery_knows() -> None:
    assert Panel.data.keys() >= READ_ONLY_COMMANDS
    assert {"shutdown", "cancel_consumer", "pool_shrink", "revoke", "enable_events"} <= set(CHANGING)


@pytest.mark.parametrize("method", sorted(READ_ONLY_COMMANDS))
def test_a_command_that_looks_is_answered_without_the_callers_arguments(
    method: str, node: Node, done: list[str]
) -> None:
    node.handle_message(
        {"method": method, "arguments": {"with_defaults": 1}, "reply_to": ANSWERS, "ticket": "t"}
    )
    assert done == [method]
    assert node.answers == [({NAME: method}, ANSWERS["exchange"], ANSWERS["routing_key"], "t")]


@pytest.mark.parametrize("method", [*CHANGING, "nobody.knows", "x" * 60_000, None, 7, ["ping"], {"ping": 1}])
def test_any_other_command_is_unknown(method: Any, node: Node, done: list[str]) -> None:
    node.handle_message({"method": method, "reply_to": ANSWERS})
    assert done == node.answers == []


@pytest.mark.parametrize(
    "reply_to",
    [
        {"exchange": "", "routing_key": "interactive"},
        {"exchange": "reply.celery.pidbox"},
        {"exchange": "reply.celery.pidbox", "routing_key": 7},
        {"exchange": [], "routing_key": "asks"},
        "reply.celery.pidbox",
        7,
    ],
)
def test_an_answer_goes_where_answers_belong_or_nowhere(reply_to: Any, node: Node, done: list[str]) -> None:
    node.handle_message({"method": "ping", "reply_to": reply_to})
    assert done == node.answers == []


@pytest.mark.parametrize("destination", [None, [], [NAME], [NAME, "another"]])
def test_a_worker_answers_when_it_is_named_or_nobody_is(
    destination: Any, node: Node, done: list[str]
) -> None:
    node.handle_message({"method": "ping", "destination": destination})
    assert done == ["ping"]


@pytest.mark.parametrize("destination", [["another"], NAME, 7, {NAME: 1}, [[NAME]]])
def test_a_worker_that_is_not_named_does_nothing(destination: Any, node: Node, done: list[str]) -> None:
    node.handle_message({"method": "ping", "destination": destination})
    assert done == []


def test_a_foreign_pattern_is_never_matched(
    node: Node, monkeypatch: pytest.MonkeyPatch, done: list[str]
) -> None:
    """kombu would match the worker's name against it, on the loop, for as long as that takes."""

    def never(*_: Any) -> bool:
        raise AssertionError("a foreign pattern was matched")

    monkeypatch.setattr("kombu.pidbox.match", never)
    node.handle_message({"method": "ping", "pattern": "(a*)*b", "matcher": "pcre", "destination": ["x"]})
    assert done == []


@pytest.mark.parametrize("body", [None, 7, "text", [], {}, [{"method": "ping"}]])
def test_what_is_no_command_is_left(body: Any, node: Node, done: list[str]) -> None:
    node.handle_message(body)
    assert done == []
