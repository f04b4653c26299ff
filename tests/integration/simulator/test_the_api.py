"""The simulator over its real socket, as the real SDK and plain HTTP see it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import pytest

from simulator.faults import Fault
from simulator.running import RunningSimulator

LONG = "قاعدة من قواعد كتابة الأسئلة. " * 300
OFF = {"type": "between_tools"}


def slots(count: int) -> str:
    rows = (
        {"slot": i, "type": "mcq", "section": "quantitative", "topic": "algebra", "difficulty": "easy"}
        for i in range(count)
    )
    return "\n".join(json.dumps(row) for row in rows)


def request(count: int = 2, **changes: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 8000,
        "thinking": OFF,
        "system": [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": slots(count)}],
        **changes,
    }


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=200) as simulator:
        yield simulator


@pytest.fixture
def http(simulator: RunningSimulator) -> Iterator[httpx2.Client]:
    headers = {"x-api-key": "k", "anthropic-version": "2026-10-21"}
    with httpx2.Client(base_url=simulator.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def claude(simulator: RunningSimulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key="k", base_url=simulator.url, max_retries=0) as client:
        yield client


def ask(http: httpx2.Client, **changes: Any) -> httpx2.Response:
    return http.post("/v1/messages", json=request(**changes))


def stream_lines(http: httpx2.Client, path: str = "/v1/messages", **changes: Any) -> list[str]:
    """Every line that arrived, whether or not the stream came to its end."""
    lines: list[str] = []
    try:
        with http.stream("POST", path, json=request(stream=True, **changes)) as response:
            assert response.status_code == 200
            lines.extend(response.iter_lines())
    except httpx2.TransportError as error:
        lines.append(f"! {type(error).__name__}")
    return lines


def data_of(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def test_the_sdk_streams_valid_questions_with_usage_and_a_request_id(
    simulator: RunningSimulator, claude: anthropic.Anthropic
) -> None:
    with claude.messages.stream(**request(3)) as stream:
        message = stream.get_final_message()
        assert stream.response.headers["request-id"].startswith("req_")
    text = "".join(block.text for block in message.content if block.type == "text")
    assert [json.loads(line)["slot"] for line in text.splitlines()] == [0, 1, 2]
    assert message.stop_reason == "end_turn"
    assert message.usage.cache_creation_input_tokens
    (entry,) = simulator.bill().entries
    assert entry.tokens.output == message.usage.output_tokens
    assert entry.outcome == "complete"


def test_adaptive_thinking_puts_a_thinking_block_before_the_text(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(**request(1, thinking={"type": "adaptive"})) as stream:
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text"]
    whole = claude.messages.create(**request(1, thinking={"type": "adaptive"}))
    assert [block.type for block in whole.content] == ["thinking", "text"]


def test_parallel_cold_requests_all_write_and_later_ones_read(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    simulator.config.jitter = 0
    with ThreadPoolExecutor(4) as pool:
        cold = list(pool.map(lambda _: ask(http).json()["usage"], range(4)))
    assert all(usage["cache_creation_input_tokens"] > 0 for usage in cold)
    warm = ask(http).json()["usage"]
    assert warm["cache_read_input_tokens"] == cold[0]["cache_creation_input_tokens"]
    assert warm["cache_creation_input_tokens"] == 0


def test_a_request_with_no_tokens_wanted_warms_the_cache(http: httpx2.Client) -> None:
    warmer = ask(http, max_tokens=0).json()
    assert (warmer["content"], warmer["stop_reason"], warmer["usage"]["output_tokens"]) == (
        [],
        "max_tokens",
        0,
    )
    assert ask(http).json()["usage"]["cache_read_input_tokens"] > 0


def test_diagnostics_name_the_level_that_changed(http: httpx2.Client) -> None:
    first = ask(http, diagnostics={"previous_message_id": None}).json()
    assert first["diagnostics"] == {"cache_miss_reason": None}
    changes: dict[str, dict[str, Any]] = {
        "model_changed": {"model": "claude-sonnet-5", "thinking": {"type": "disabled"}},
        "system_changed": {"system": LONG},
        "tools_changed": {"tools": [{"name": "t", "input_schema": {"type": "object"}}]},
        "messages_changed": {"messages": [{"role": "user", "content": "آخر"}]},
    }
    for reason, change in changes.items():
        answer = ask(http, diagnostics={"previous_message_id": first["id"]}, **change).json()
        assert answer["diagnostics"]["cache_miss_reason"]["type"] == reason
    unknown = ask(http, diagnostics={"previous_message_id": "msg_0"}).json()
    assert unknown["diagnostics"]["cache_miss_reason"] == {"type": "previous_message_not_found"}


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
        http.post("/v1/messages", json=request(), timeout=0.5)


def test_a_whole_answer_knows_overload_and_refusal(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.faults.extend([Fault("error_event", times=1), Fault("refusal", times=1)])
    assert ask(http).status_code == 529
    refused = ask(http).json()
    assert (refused["stop_reason"], refused["content"]) == ("refusal", [])


def test_a_client_that_leaves_pays_for_what_was_written(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    simulator.config.update({"speed": 20})
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


def test_a_stop_sequence_ends_the_text(http: httpx2.Client) -> None:
    answer = ask(http, stop_sequences=['"w":']).json()
    assert answer["stop_reason"] == "stop_sequence"
    assert answer["stop_sequence"] == '"w":'
    assert '"w":' not in answer["content"][0]["text"]


def test_the_same_words_get_another_answer_the_second_time(http: httpx2.Client) -> None:
    assert ask(http).json()["content"] != ask(http).json()["content"]


def test_two_simulators_of_one_seed_answer_alike(simulator: RunningSimulator, http: httpx2.Client) -> None:
    with RunningSimulator(speed=200) as twin, httpx2.Client(base_url=twin.url, headers=http.headers) as other:
        assert ask(http).json()["content"] == ask(other).json()["content"]


def test_models_are_listed_with_their_lifecycle(claude: anthropic.Anthropic) -> None:
    shown = {model.id: model.lifecycle for model in claude.models.list()}
    assert shown["claude-sonnet-5-5"] == "active"
    assert shown["claude-sonnet-4-5-20250929"] == "deprecated"
    assert "claude-sonnet-4-20250514" not in shown
    retired = [model.id for model in claude.models.list(lifecycle=["retired"])]
    assert retired == ["claude-sonnet-4-20250514"]
    assert claude.models.retrieve("claude-sonnet-4-5").retires_at is not None
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("claude-sonnet-4-5-20250514")


def test_counting_tokens_is_free_and_agrees_with_usage(
    simulator: RunningSimulator, claude: anthropic.Anthropic, http: httpx2.Client
) -> None:
    body = {name: value for name, value in request().items() if name != "max_tokens"}
    counted = claude.messages.count_tokens(**body).input_tokens
    assert simulator.bill().requests == 0
    usage = ask(http).json()["usage"]
    assert counted == usage["input_tokens"] + usage["cache_creation_input_tokens"]


def test_a_batch_ends_and_costs_half(simulator: RunningSimulator, claude: anthropic.Anthropic) -> None:
    good = {"model": "claude-sonnet-5-5", "max_tokens": 4000, "messages": request()["messages"]}
    rows: list[Any] = [
        {"custom_id": "good", "params": good},
        {"custom_id": "bad", "params": {**good, "stream": True}},
    ]
    simulator.config.batch_s = 3600
    batch = claude.messages.batches.create(requests=rows)
    assert claude.messages.batches.retrieve(batch.id).processing_status == "in_progress"
    with pytest.raises(anthropic.AnthropicError):
        list(claude.messages.batches.results(batch.id))
    simulator.config.batch_s = 0
    batch = claude.messages.batches.create(requests=rows)
    ended = claude.messages.batches.retrieve(batch.id)
    assert (ended.processing_status, ended.request_counts.succeeded, ended.request_counts.errored) == (
        "ended",
        1,
        1,
    )
    results = {row.custom_id: row.result.type for row in claude.messages.batches.results(batch.id)}
    assert results == {"good": "succeeded", "bad": "errored"}
    (entry,) = simulator.bill().entries
    assert entry.cost_microdollars == (entry.tokens.prompt * 2 + entry.tokens.output * 10) / Decimal(2)


def test_a_cancelled_batch_has_no_results_to_pay(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.config.update({"batch_s": 2, "speed": 10})
    created = http.post("/v1/messages/batches", json={"requests": [{"custom_id": "a", "params": {}}]}).json()
    path = f"/v1/messages/batches/{created['id']}"
    assert http.post(f"{path}/cancel").json()["processing_status"] == "canceling"
    ended = threading.Event()
    while http.get(path).json()["processing_status"] != "ended":
        ended.wait(0.02)
    assert http.get(path).json()["request_counts"]["canceled"] == 1
    assert http.post(f"{path}/explode").status_code == 404
    assert http.get("/v1/messages/batches/none").status_code == 404
    assert simulator.bill().requests == 0


@pytest.mark.parametrize(
    "rows", [[], [{"custom_id": "a b"}], [{"custom_id": "a"}, {"custom_id": "a"}], "x"], ids=str
)
def test_a_batch_that_makes_no_sense_is_refused(http: httpx2.Client, rows: Any) -> None:
    assert http.post("/v1/messages/batches", json={"requests": rows}).status_code == 400


def test_openrouter_answers_in_its_own_manner(simulator: RunningSimulator) -> None:
    headers = {"authorization": "Bearer k"}
    with httpx2.Client(base_url=simulator.openrouter_url, headers=headers) as http:
        body = request(model="anthropic/claude-sonnet-5.5", provider={"only": ["anthropic"]}, temperature=0.5)
        whole = http.post("/v1/messages", json=body)
        usage = whole.json()["usage"]
        assert usage["cost"] == float(simulator.bill().total_microdollars / 1_000_000)
        generation = http.get("/v1/generation", params={"id": whole.headers["x-generation-id"]}).json()
        assert generation["data"]["total_cost"] == usage["cost"]
        lines = stream_lines(http, model="anthropic/claude-sonnet-5.5")
        assert lines[0] == ": OPENROUTER PROCESSING"
        assert "data: [DONE]" in lines
        assert data_of(lines)[-2]["usage"]["cost"] > 0
        assert http.get("/v1/key").json()["data"]["usage"] > 0
        assert http.get("/v1/generation?id=x").status_code == 404
        assert any(
            row["id"] == "anthropic/claude-sonnet-5.5" for row in http.get("/v1/models").json()["data"]
        )


def test_openrouter_refuses_with_its_own_error_types(simulator: RunningSimulator) -> None:
    simulator.config.update({"openrouter_credit_usd": 0})
    with httpx2.Client(base_url=simulator.openrouter_url, headers={"authorization": "Bearer k"}) as http:
        poor = http.post("/v1/messages", json=request(model="anthropic/claude-sonnet-5.5"))
        assert poor.status_code == 402
        assert poor.json()["error"]["error_type"] == "billing"
        assert http.post("/v1/messages", json=request()).status_code == 404
        assert http.get("/v1/key").json()["data"]["limit_remaining"] == 0
        assert http.get("/v1/key", headers={"authorization": "Bearer invalid"}).status_code == 401
        simulator.config.update({"openrouter_credit_usd": None})
        assert http.post("/v1/messages", json={"model": "anthropic/claude-sonnet-5.5"}).status_code == 400


def test_openrouter_has_a_cache_of_its_own(simulator: RunningSimulator, http: httpx2.Client) -> None:
    ask(http)
    answer = http.post(
        "/api/v1/messages",
        json=request(model="anthropic/claude-sonnet-5.5"),
        headers={"authorization": "Bearer k"},
    )
    assert answer.json()["usage"]["cache_read_input_tokens"] == 0


def test_another_process_can_set_faults_change_settings_and_read_the_bill(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    assert http.post("/_simulator/faults", json=[{"kind": "overloaded", "times": 1}]).status_code == 200
    assert (
        http.post("/_simulator/faults", json={"add": [{"kind": "rate_limit", "times": 1}]}).status_code == 200
    )
    assert [fault["kind"] for fault in http.get("/_simulator/faults").json()["faults"]] == [
        "overloaded",
        "rate_limit",
    ]
    assert [ask(http).status_code for _ in range(3)] == [529, 429, 200]
    assert http.post("/_simulator/config", json={"missing_rate": 1}).json()["missing_rate"] == 1
    assert http.get("/_simulator/config").json()["missing_rate"] == 1
    bill = http.get("/_simulator/bill").json()
    assert Decimal(bill["total_microdollars"]) == simulator.bill().total_microdollars > 0
    assert len(bill["entries"]) == 1
    assert http.get("/_simulator/bill?entries=0").json()["entries"] == []
    seen = http.get("/_simulator/requests?bodies=1").json()["requests"]
    assert [one["status"] for one in seen] == [529, 429, 200]
    assert seen[0]["body"]["model"] == seen[0]["model"] == "claude-sonnet-5-5"
    assert not any("k" in one["headers"].values() for one in seen)
    assert http.get("/_simulator/health").json()["peak_streams"] == 1
    assert http.post("/_simulator/reset").status_code == 200
    assert simulator.bill().requests == 0
    assert simulator.requests == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_simulator/faults", b'[{"kind": "bang"}]'),
        ("/_simulator/config", b'{"nothing": 1}'),
        ("/_simulator/config", b"{"),
        ("/v1/messages", b"{"),
        ("/v1/messages", b"[]"),
        ("/v1/messages", b"{}"),
    ],
)
def test_what_makes_no_sense_is_a_bad_request(http: httpx2.Client, path: str, body: bytes) -> None:
    answer = http.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_unknown_path_is_not_found_and_a_wrong_key_unauthorized(http: httpx2.Client) -> None:
    assert http.get("/nowhere").status_code == 404
    assert http.get("/v1/models", headers={"x-api-key": "invalid"}).status_code == 401
    assert http.post("/v1/messages", json=request(), headers={"x-api-key": "invalid"}).status_code == 401


def test_a_spent_account_is_refused(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.config.update({"spend_limit_usd": "0.000001"})
    assert ask(http).status_code == 200
    refused = ask(http)
    assert refused.json()["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert "retry-after" not in refused.headers


def test_a_taken_port_stops_the_start(simulator: RunningSimulator) -> None:
    port = int(simulator.url.rsplit(":", 1)[1])
    with pytest.raises(RuntimeError, match="listen"):
        RunningSimulator(port=port).start()


def test_a_hundred_streams_run_at_once(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.config.update({"speed": 30})
    limits = httpx2.Limits(max_connections=100)
    with (
        httpx2.Client(base_url=simulator.url, headers=http.headers, limits=limits, timeout=30) as many,
        ThreadPoolExecutor(100) as pool,
    ):
        streams = list(pool.map(lambda _: stream_lines(many), range(100)))
    assert all(data_of(lines)[-1]["type"] == "message_stop" for lines in streams)
    assert simulator.peak_streams > 50
    assert simulator.open_streams == 0


def test_the_command_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "simulator", "--port", "0", "--speed", "50", "--faults", "overloaded:1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[-1]
        answer = httpx2.post(
            f"{url}/v1/messages",
            json=request(),
            headers={"x-api-key": "k", "anthropic-version": "2026-10-21"},
        )
        assert answer.status_code == 529
        assert httpx2.get(f"{url}/_simulator/config").json()["speed"] == 50
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()


def test_the_command_explains_a_wrong_argument() -> None:
    command = [sys.executable, "-m", "simulator", "--reject-rate", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "reject_rate" in done.stderr
