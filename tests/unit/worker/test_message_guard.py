from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.json import loads

from worker.message_guard import (
    MAX_DEPTH,
    MAX_MESSAGE_BYTES,
    MAX_NAME_CHARS,
    problem_of_broadcast,
    problem_of_task,
    problem_of_unacknowledged,
    safe_headers,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["__type__", "__value__", "body", "headers", "a"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


def envelope(body: Any = None, **more: Any) -> dict[str, Any]:
    payload = json.dumps([[], {}, {}] if body is None else body)
    return {
        "body": b64encode(payload.encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": "generation.sweep", "id": "1"},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": "1",
            "delivery_info": {"exchange": "", "routing_key": "interactive"},
        },
        **more,
    }


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def decoded_by_kombu(text: bytes) -> Any:
    return loads(text)  # type: ignore[no-untyped-call]  # kombu has no types


def test_the_documented_message_has_no_problem() -> None:
    assert problem_of_task(json.dumps(envelope()).encode()) is None


def test_a_broadcast_has_no_problem_when_its_body_is_an_object_or_a_list() -> None:
    assert problem_of_broadcast(json.dumps(envelope({"method": "ping"})).encode()) is None
    assert problem_of_broadcast(json.dumps(envelope([{"type": "task-sent"}])).encode()) is None
    assert problem_of_broadcast(json.dumps(envelope("text")).encode()) is not None


@pytest.mark.parametrize("text", [b"null", b"[]", b'"text"', b"{}", b'{"content-type": "application/json"}'])
def test_what_is_no_envelope_has_a_problem(text: bytes) -> None:
    assert problem_of_task(text) is not None
    assert problem_of_broadcast(text) is not None


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 990, 5_000, 30_000])
def test_a_text_that_is_nested_too_deep_is_refused_on_every_python(depth: int) -> None:
    envelope_around = json.dumps(envelope()).replace('"1"', f"{nested(depth)}", 1)
    for text in (nested(depth), '{"a":' * depth, envelope_around):
        assert problem_of_task(text.encode()) is not None
    hidden = envelope() | {"body": nested(depth), "properties": {**envelope()["properties"]}}
    del hidden["properties"]["body_encoding"]
    assert problem_of_task(json.dumps(hidden).encode()) is not None


def test_a_text_longer_than_any_of_ours_is_refused() -> None:
    assert "longer" in (problem_of_task(b" " * (MAX_MESSAGE_BYTES + 1)) or "")


@pytest.mark.parametrize(
    "kind", ["decimal", "bytes", "uuid", "datetime", "nobody knows", ["a", "list"], {}, 7]
)
@pytest.mark.parametrize("value", ["x", {}, None, 7])
def test_typed_json_is_refused_wherever_it_stands(kind: Any, value: Any) -> None:
    typed = {"__type__": kind, "__value__": value}
    assert problem_of_task(json.dumps(envelope(id=typed)).encode()) is not None
    assert problem_of_task(json.dumps(envelope([[typed], {}, {}])).encode()) is not None
    assert problem_of_broadcast(json.dumps(envelope({"method": typed})).encode()) is not None


@given(st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_has_no_problem_is_decoded_by_kombu_as_it_stands(text: bytes) -> None:
    """kombu's decoder adds nothing to plain JSON: so it raises nothing that was not foreseen."""
    for problem_of in (problem_of_task, problem_of_broadcast):
        if problem_of(text) is None:
            assert json.dumps(decoded_by_kombu(text)) == json.dumps(json.loads(text))


@given(JSON_VALUES, JSON_VALUES)
def test_an_envelope_around_anything_is_refused_or_decoded_as_it_stands(body: Any, extra: Any) -> None:
    text = json.dumps(envelope(body, extra=extra)).encode()
    if problem_of_task(text) is None:
        assert json.dumps(decoded_by_kombu(text)) == json.dumps(json.loads(text))
        assert body is None or isinstance(body, list)


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=5))
def test_only_headers_of_safe_types_are_kept(headers: dict[str, Any]) -> None:
    assert all(isinstance(value, str | bool | None) for value in safe_headers(headers).values())


def test_headers_that_would_move_or_repeat_a_task_are_not_kept() -> None:
    assert safe_headers({"task": "a", "eta": "2026-01-01", "retries": "3"}) == {"task": "a"}


SOMETHING: tuple[Any, ...] = ([], {}, 0, False, [{"task": "x"}])
NOTHING: dict[str, Any] = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))


@pytest.mark.parametrize("options", [None, {}, NOTHING, {"chain": None}])
def test_a_message_without_celery_options_has_no_problem(options: Any) -> None:
    assert problem_of_task(json.dumps(envelope([[], {}, options]))) is None


@pytest.mark.parametrize(
    "payload",
    [
        *([[], {}, {**NOTHING, name: value}] for name in NOTHING for value in SOMETHING),
        [[], {}, {"link": None}],
        [["positional"], {}, None],
        [[], {}],
        [[], {}, None, None],
        [[], [], None],
        [[], {}, []],
    ],
)
def test_celery_options_and_positional_arguments_are_a_problem(payload: Any) -> None:
    assert problem_of_task(json.dumps(envelope(payload))) is not None


def test_an_exchange_or_a_name_without_end_is_a_problem() -> None:
    elsewhere = envelope()
    elsewhere["properties"]["delivery_info"]["exchange"] = "celeryev"
    assert problem_of_task(json.dumps(elsewhere)) is not None
    for path in ("task", "id"):
        long = envelope()
        long["headers"][path] = "x" * (MAX_NAME_CHARS + 1)
        assert problem_of_task(json.dumps(long)) is not None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_no_json_are_a_problem(number: str) -> None:
    text = json.dumps(envelope(priority="here")).replace('"here"', number)
    assert problem_of_task(text) is not None


def test_what_a_worker_has_taken_is_checked_before_it_is_given_back() -> None:
    assert problem_of_unacknowledged(json.dumps([envelope(), "", "interactive"])) is None
    for kept in (
        [envelope(), ""],
        [envelope(), None, "interactive"],
        [{}, "", "interactive"],
        envelope(),
        None,
    ):
        assert problem_of_unacknowledged(json.dumps(kept)) is not None
    assert problem_of_unacknowledged(b"[[[[") is not None


def test_of_the_headers_only_short_ids_and_names_are_left() -> None:
    headers = {
        "id": "1",
        "kwargsrepr": "x" * 60_000,
        "shadow": "a name",
        "timelimit": [1, 2],
        "root_id": None,
    }
    assert safe_headers(headers) == {"id": "1", "kwargsrepr": "x" * MAX_NAME_CHARS, "root_id": None}


def test_the_ticket_by_which_an_answer_finds_its_question_is_left() -> None:
    """Without it an answer to one command would be taken for that to another."""
    assert safe_headers({"ticket": "t", "clock": 7}) == {"ticket": "t"}


@pytest.mark.parametrize("value", ["\ud800", "a\udfff", 1e999, -1e999, {"\ud800": 1}, ["\ud83d"]])
def test_what_python_reads_and_cannot_write_again_is_no_message(value: Any) -> None:
    """A task's name with half a character was logged as a traceback; as a worker's name it took Flower's page away."""
    for message in (
        envelope([[], {"a": value}, {}]),
        envelope(headers={"task": "t", "id": "1", "more": value}),
    ):
        assert problem_of_task(json.dumps(message).encode()) is not None
        assert problem_of_broadcast(json.dumps(message).encode()) is not None


def test_a_whole_character_beyond_the_first_plane_is_no_problem() -> None:
    assert problem_of_task(json.dumps(envelope([[], {"a": "😀"}, {}])).encode()) is None
