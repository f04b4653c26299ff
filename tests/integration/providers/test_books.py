"""What a call books, from the bytes on the socket to the ledger's record."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from generation.call import Call, RunContext
from generation.cancellation import CancellationSignal
from generation.model import Track, Urgency
from generation.model_call import AttemptRecord, Usage, UsageSource
from generation.plan import plan_exam
from generation.verdicts import Purpose
from providers.messages_client import MessagesClient
from tests.support.providers import PROMPT, ServeClaude, ServeOpenRouter
from tests.support.raw_server import Exchange, Script
from tools.studies.economics.fleet import Memory, claim_of

FULL = {"input_tokens": 412, "cache_read_input_tokens": 8_000, "cache_creation_input_tokens": 0}
ZEROS = dict.fromkeys(FULL, 0)
TEXT = '{"slot": 1, "q": "كم يساوي"}'


class Books:
    """A ledger that keeps the last record."""

    def __init__(self) -> None:
        self.record: AttemptRecord | None = None

    def open(self, attempt: AttemptRecord) -> None:
        self.record = attempt

    def close(self, attempt: AttemptRecord) -> None:
        self.record = attempt


def reply(start: Any, *ends: Any, model: Any = "claude-sonnet-5-5", complete: bool = True) -> Script:
    """A reply that reports `start`, some text, each of `ends`; counts of tokens are answered with 25."""

    def play(exchange: Exchange) -> None:
        if exchange.request.path.endswith("count_tokens"):
            answer(exchange, {"input_tokens": 25})
            return
        if exchange.request.method == "GET":
            answer(exchange, {"data": {"native_tokens_completion": 25}})
            return
        exchange.begin_stream()
        send(exchange, "message_start", message={"id": "msg_1", "model": model, "usage": start})
        send(exchange, "content_block_delta", index=0, delta={"type": "text_delta", "text": TEXT})
        for usage in ends:
            send(exchange, "message_delta", delta={"stop_reason": "end_turn"}, usage=usage)
        if complete:
            send(exchange, "message_stop")
            exchange.send(b"0\r\n\r\n")
        else:
            exchange.connection.close()

    return play


def send(exchange: Exchange, event: str, **fields: Any) -> None:
    exchange.send_chunk(f"event: {event}\ndata: {json.dumps({'type': event} | fields)}\n\n".encode())


def answer(exchange: Exchange, value: Mapping[str, Any]) -> None:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    exchange.send(head.encode() + body)


def booked(provider: MessagesClient) -> AttemptRecord:
    """What the ledger has after one call."""
    books, memory = Books(), Memory()
    plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1)
    claim = claim_of(plan, plan.batches[0], memory, Urgency.INTERACTIVE)
    context = RunContext(claim, memory, books, memory, CancellationSignal(), time.monotonic, time.monotonic())
    Call(context, provider, asked=1, purpose=Purpose.WRITE).make(
        PROMPT, take=lambda _: None, drop=lambda _: None
    )
    assert books.record is not None
    return books.record


def test_zeros_at_the_end_erase_nothing(claude: ServeClaude) -> None:
    _, provider = claude(reply({**FULL, "output_tokens": 1}, {**ZEROS, "output_tokens": 30}))
    record = booked(provider)
    assert (record.usage, record.usage_source) == (Usage(412, 30, 8_000), UsageSource.REPORTED)


@pytest.mark.parametrize("written", [412.0, "412", "412.0"])
def test_numbers_as_text_and_floats_are_counts(claude: ServeClaude, written: Any) -> None:
    record = booked(claude(reply({**FULL, "input_tokens": written}, {"output_tokens": written}))[1])
    assert (record.usage, record.usage_source) == (Usage(412, 412, 8_000), UsageSource.REPORTED)


@pytest.mark.parametrize("output", [-5, True, "many", 10**30, 0])
def test_an_output_that_was_not_reported_is_counted(claude: ServeClaude, output: Any) -> None:
    record = booked(claude(reply({**FULL, "output_tokens": 1}, {"output_tokens": output}))[1])
    assert record.usage_source is UsageSource.COUNTED
    assert record.usage.output >= 1


def test_the_reason_for_a_miss_follows_the_final_usage(claude: ServeClaude) -> None:
    _, provider = claude(reply({**ZEROS, "output_tokens": 0}, {**FULL, "output_tokens": 30}))
    record = booked(provider)
    assert (record.usage, record.usage_source) == (Usage(412, 30, 8_000), UsageSource.REPORTED)
    assert record.cache_miss_reason is None, "the final usage shows a hit"


def test_a_prompt_that_nobody_reported_before_a_cut_is_estimated_from_what_was_sent(
    claude: ServeClaude,
) -> None:
    record = booked(claude(reply({**ZEROS, "output_tokens": 0}, complete=False))[1])
    sent = len(PROMPT.user) + sum(len(block.text) for block in PROMPT.system)
    prompt = record.usage.input + record.usage.cache_read + record.usage.cache_written
    assert record.usage_source is UsageSource.ESTIMATED
    assert record.outcome == "stream_cut"
    assert sent / 4 < prompt <= sent
    assert record.cost_microdollars > 0
    assert record.cache_miss_reason is None, "nothing is known of the cache"


def test_a_reply_without_any_usage_is_estimated_and_marked(openrouter: ServeOpenRouter) -> None:
    record = booked(openrouter(reply(None, None))[1])
    assert (record.outcome, record.usage_source) == ("complete", UsageSource.ESTIMATED)
    assert record.usage.output == 25, "OpenRouter's own record of the call"
    assert record.usage.input > 0


@pytest.mark.parametrize("model", ["claude-sonnet-6", "claude-fable-5-2"])
def test_a_model_without_a_known_price_is_booked_at_the_ceiling_and_marked(
    claude: ServeClaude, model: str
) -> None:
    record = booked(claude(reply({**FULL, "output_tokens": 1}, {"output_tokens": 30}, model=model))[1])
    assert record.usage == Usage(412, 30, 8_000)
    assert record.usage_source is UsageSource.ESTIMATED
    assert record.cost_microdollars >= 412 * 10 + 30 * 50 + 8_000


@pytest.mark.parametrize("model", [None, "", 7, "\x00"])
def test_a_reply_that_names_no_model_has_the_price_of_the_one_we_asked(
    claude: ServeClaude, model: Any
) -> None:
    record = booked(claude(reply({**FULL, "output_tokens": 1}, {"output_tokens": 30}, model=model))[1])
    assert (record.model, record.usage_source) == ("claude-sonnet-5-5", UsageSource.REPORTED)


@pytest.mark.parametrize("stop_reason", [["x"], "end\x00", "\ud800", 7])
def test_whatever_a_reply_calls_its_end_the_record_fits_into_the_database(
    claude: ServeClaude, stop_reason: Any
) -> None:
    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        send(exchange, "message_start", message={"id": "m\x00", "model": "claude-sonnet-5-5", "usage": FULL})
        send(exchange, "message_delta", delta={"stop_reason": stop_reason}, usage={"output_tokens": 0})
        send(exchange, "message_stop")
        exchange.send(b"0\r\n\r\n")

    record = booked(claude(play)[1])
    for text in (record.stop_reason, record.message_id, record.request_id):
        assert text is None or text.isprintable()
