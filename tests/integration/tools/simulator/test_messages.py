"""Replies, usage, caching and diagnostics over a real socket."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx2

from tests.support.simulated import LONG, ask, request
from tools.simulator.running import RunningSimulator


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
