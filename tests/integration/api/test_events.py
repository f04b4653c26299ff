from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import Engine, text

from generation.verdicts import Finding, Verdict
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served, Writer, question_for


@dataclass(frozen=True)
class StreamEvent:
    seq: int
    kind: str
    data: dict[str, Any]


def events(response: httpx2.Response) -> Iterator[StreamEvent]:
    """The events of a stream, parsed as a browser does; comments are skipped."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "id" in fields:
                yield StreamEvent(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


def follow(client: httpx2.Client, exam_id: str, after: str | None = None) -> Any:
    headers = {} if after is None else {"Last-Event-ID": after}
    return client.stream("GET", f"/exams/{exam_id}/events", headers=headers)


def test_a_reader_gets_every_question_as_it_is_committed(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    claim = writer.claim()
    with follow(student, exam_id) as response:
        received = events(response)
        assert (next(received).kind, response.status_code) == ("session", 200)
        for slot in range(10):
            writer.write(claim, slot + 1, start=slot)
            event = next(received)
            assert (event.kind, event.seq, event.data["index"]) == ("question", slot + 2, slot)
        writer.batches.finish(claim)
        assert next(received) == StreamEvent(12, "batch-ready", {"batchIndex": 0})


def test_no_proxy_may_cache_or_buffer_the_stream(student: httpx2.Client, exam_id: str) -> None:
    with follow(student, exam_id) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert "no-store" in response.headers["Cache-Control"]
        assert response.headers["X-Accel-Buffering"] == "no"


def test_a_reader_that_reconnects_gets_every_event_exactly_once(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    seen: list[int] = []
    for stop_after in (1, 4, 7):
        with follow(student, exam_id, str(seen[-1] if seen else 0)) as response:
            for event in events(response):
                seen.append(event.seq)
                if len(seen) >= stop_after + 1:
                    break
    student.post(f"/exams/{exam_id}/cancel")
    with follow(student, exam_id, str(seen[-1])) as response:
        seen += [event.seq for event in events(response)]

    assert seen == list(range(1, 14))


def test_a_question_that_replaces_a_disputed_one_is_a_new_event(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    student.post(f"/exams/{exam_id}/progress", json={"questionIndex": 9})
    claim = writer.claim()
    writer.write(claim)
    [slot] = writer.batches.settle_verdicts(claim, {"fingerprint-12": Finding(Verdict.DISPUTED)})
    assert slot.position == 12
    with follow(student, exam_id) as response:
        received = events(response)
        before = [next(received) for _ in range(22)]
        assert [event.data["index"] for event in before if event.kind == "question"] == list(range(20))
        another = replace(question_for(slot), stem="سؤال آخر", fingerprint="another")
        writer.batches.accept(claim, another, uuid4(), "claude")
        event = next(received)
        assert (event.data["index"], event.data["stem"]) == (12, "سؤال آخر")
    with follow(student, exam_id, str(event.seq - 9)) as response:
        received = events(response)
        again = [next(received) for _ in range(9)]
    assert [event.data["index"] for event in again if event.kind == "question"].count(12) == 2


def test_a_reader_that_is_far_behind_gets_every_event(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    with writer.at_work():
        for batch_index in range(1, 10):
            student.post(f"/exams/{exam_id}/questions", json={"batchIndex": batch_index})
    student.post(f"/exams/{exam_id}/cancel")
    with follow(student, exam_id) as response:
        received = list(events(response))

    assert [event.data["index"] for event in received if event.kind == "question"] == list(range(96))
    assert [event.data["batchIndex"] for event in received if event.kind == "batch-ready"] == list(range(10))
    assert received[-1].data == {"status": "abandoned"}


def test_the_stream_ends_with_the_session_and_then_answers_204(student: httpx2.Client, exam_id: str) -> None:
    with follow(student, exam_id) as response:
        received = events(response)
        next(received)
        student.post(f"/exams/{exam_id}/cancel")
        rest = list(received)

    assert rest == [StreamEvent(2, "session", {"status": "abandoned"})]
    with follow(student, exam_id, "2") as response:
        assert response.status_code == 204


def test_the_stream_ends_when_the_web_app_ends_the_session(
    served: Served, student: httpx2.Client, exam_id: str, engine: Engine
) -> None:
    """The web app writes only its own row; the sweep publishes the event."""
    with follow(student, exam_id) as response:
        received = events(response)
        next(received)
        with engine.begin() as connection:
            connection.execute(text("UPDATE exam_sessions SET status = 'completed'"))
        served.sessions.publish_endings(10)

        assert list(received) == [StreamEvent(2, "session", {"status": "completed"})]


def test_a_failed_batch_is_an_event_with_its_code(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    with follow(student, exam_id) as response:
        received = events(response)
        next(received)
        writer.batches.fail(writer.claim(), "slots_left_open")

        assert next(received) == StreamEvent(2, "batch-failed", {"batchIndex": 0, "code": "slots_left_open"})


def test_last_event_id_takes_precedence_over_the_query(
    student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    writer.finish()
    url = f"/exams/{exam_id}/events"
    with student.stream("GET", url, params={"after": 5}) as response:
        assert next(events(response)).seq == 6
    with student.stream("GET", url, params={"after": 5}, headers={"Last-Event-ID": "8"}) as response:
        assert next(events(response)).seq == 9


@pytest.mark.parametrize("number", ["", "nonsense", "-3", "99", "9" * 40, "١٢"])
def test_an_event_number_that_does_not_exist_starts_from_the_beginning(
    student: httpx2.Client, exam_id: str, number: str
) -> None:
    sent = {b"Last-Event-ID": number.encode()}
    with student.stream("GET", f"/exams/{exam_id}/events", headers=sent) as response:
        assert next(events(response)).seq == 1


def test_an_idle_stream_sends_comments(serve: Serve) -> None:
    served = serve(api_heartbeat_s=0.1, api_poll_s=0.05)
    with served.client(uuid4()) as client:
        exam_id = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "wait=0"}).json()["id"]
        with follow(client, exam_id, "1") as response:
            lines = response.iter_lines()
            assert next(line for line in lines if line.startswith(":")).startswith(":")


def test_a_notification_wakes_a_reader_before_the_next_poll(serve: Serve) -> None:
    served = serve(api_poll_s=3600, notified=True)
    with served.client(uuid4()) as client:
        exam_id = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "wait=0"}).json()["id"]
        with follow(client, exam_id, "1") as response:
            served.until_subscribed()
            served.writer.finish()
            received = events(response)
            assert [next(received).kind for _ in range(11)][-1] == "batch-ready"


def test_a_reader_that_disconnects_is_unsubscribed(
    served: Served, student: httpx2.Client, exam_id: str
) -> None:
    with follow(student, exam_id) as response:
        received = events(response)
        next(received)
        served.until_subscribed(1)
    served.until_subscribed(0)


def test_open_streams_end_when_the_process_is_stopped(serve: Serve) -> None:
    served = serve()
    with served.client(uuid4()) as client:
        exam_id = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "wait=0"}).json()["id"]
        with follow(client, exam_id) as response:
            received = events(response)
            next(received)
            served.stop()
            assert list(received) == []


def test_many_idle_readers_are_served_at_once(serve: Serve) -> None:
    served = serve(api_poll_s=0.05, api_streams_per_user=0)
    readers = 150
    limits = httpx2.Limits(max_connections=None)
    with httpx2.Client(base_url=f"{served.url}/api", limits=limits, timeout=30) as client:
        exam_id = client.post("/exams", json={"track": "literary"}, headers={"Prefer": "wait=0"}).json()["id"]
        opened = [
            client.send(client.build_request("GET", f"/exams/{exam_id}/events?after=1"), stream=True)
            for _ in range(readers)
        ]
        served.until_subscribed(readers)
        claim = served.writer.claim()
        served.writer.write(claim, 1)
        assert {next(events(response)).data["index"] for response in opened} == {0}
        for response in opened:
            response.close()
        served.until_subscribed(0)
