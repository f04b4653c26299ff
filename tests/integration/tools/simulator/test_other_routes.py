"""Models, token counts, message batches and OpenRouter."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import pytest

from tests.support.simulated import ask, data_of, request, stream_lines
from tools.simulator.running import RunningSimulator


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
