"""Limits, errors, cuts, stalls and hang-ups, as the real SDK and plain HTTP see them."""

from __future__ import annotations

import threading

import anthropic
import httpx2
import pytest

from tests.support.simulated import ask, request, stream_lines
from tools.simulator.faults import Fault
from tools.simulator.running import RunningSimulator


def test_limits_are_shown_on_every_answer_and_refusals_say_when_to_return(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    simulator.config.update({"rpm": 1, "itpm": 1_000_000})
    answer = ask(http)
    assert answer.headers["anthropic-ratelimit-requests-limit"] == "1"
    refused = ask(http)
    assert refused.status_code == 429
    assert 50 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert refused.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (402, anthropic.APIStatusError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (409, anthropic.ConflictError),
        (413, anthropic.APIStatusError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (503, anthropic.InternalServerError),
        (504, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
def test_every_status_of_the_table_arrives_as_its_own_error(
    simulator: RunningSimulator,
    claude: anthropic.Anthropic,
    status: int,
    error: type[anthropic.APIStatusError],
) -> None:
    simulator.faults.append(Fault("http", status=status, retry_after=3, error_code="some_code"))
    with pytest.raises(error) as caught:
        claude.messages.create(**request())
    assert caught.value.status_code == status
    assert caught.value.request_id
    assert caught.value.response.headers["retry-after"] == "3"
    assert simulator.bill().requests == 0


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        (Fault("cut", after_questions=1), "! RemoteProtocolError"),
        (Fault("reset", after_questions=1), "! ReadError"),
    ],
)
def test_a_broken_connection_looks_broken_to_the_client(
    simulator: RunningSimulator, http: httpx2.Client, fault: Fault, last: str
) -> None:
    simulator.faults.append(fault)
    lines = stream_lines(http)
    assert lines[-1] == last
    (entry,) = simulator.bill().entries
    assert entry.outcome == fault.kind
    assert entry.tokens.output > 1


def test_an_early_reset_never_begins_and_costs_nothing(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    simulator.faults.append(Fault("reset_early"))
    with pytest.raises(httpx2.TransportError):
        ask(http, stream=True)
    assert simulator.bill().requests == 0


def test_an_error_event_arrives_after_the_status(
    simulator: RunningSimulator, claude: anthropic.Anthropic
) -> None:
    simulator.faults.append(Fault("error_event", after_questions=1))
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        claude.messages.stream(**request()) as stream,
    ):
        stream.until_done()
    assert caught.value.status_code == 200


def test_a_stalled_stream_sends_pings_until_the_client_goes(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    simulator.faults.append(Fault("stall", after_questions=1))
    with http.stream("POST", "/v1/messages", json=request(stream=True)) as response:
        pings = 0
        for line in response.iter_lines():
            pings = pings + 1 if line == "event: ping" else 0 if "text_delta" in line else pings
            if pings > 5:
                break
    assert pings > 5


def test_a_stall_may_end_by_itself(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.faults.append(Fault("stall", after_bytes=900, seconds=10))
    assert stream_lines(http)[-1] == "! RemoteProtocolError"


def test_a_stream_without_a_stop_ends_cleanly(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.faults.append(Fault("no_stop", after_questions=1))
    lines = stream_lines(http)
    assert not any("message_stop" in line or line.startswith("!") for line in lines)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut", httpx2.RemoteProtocolError),
        ("no_stop", httpx2.RemoteProtocolError),
        ("reset", httpx2.ReadError),
        ("stall", httpx2.ReadTimeout),
    ],
)
def test_a_whole_answer_is_struck_too(
    simulator: RunningSimulator, http: httpx2.Client, kind: str, error: type[Exception]
) -> None:
    simulator.faults.append(Fault(kind))
    with pytest.raises(error):
        http.post("/v1/messages", json=request(), timeout=0.5 if kind == "stall" else 20)


def test_a_whole_answer_knows_overload_and_refusal(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.faults.extend([Fault("error_event", times=1), Fault("refusal", times=1)])
    assert ask(http).status_code == 529
    refused = ask(http).json()
    assert (refused["stop_reason"], refused["content"]) == ("refusal", [])


def test_a_client_that_leaves_pays_for_what_was_written(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    simulator.config.update({"speed": 2})
    with http.stream("POST", "/v1/messages", json=request(10, stream=True)) as response:
        for line in response.iter_lines():
            if "text_delta" in line:
                break
    billed = threading.Event()
    while not simulator.bill().entries:
        billed.wait(0.01)
    (entry,) = simulator.bill().entries
    assert entry.outcome == "client_gone"
    assert 1 <= entry.tokens.output < 2000
    assert entry.cost_microdollars > 0
