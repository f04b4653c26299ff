"""Why a provider refused: told apart over a real socket, with who is asked next and what rests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generation.error_kinds import AskNext, ErrorKind, Scope
from generation.errors import ContentFiltered, ProviderError, ProviderUnreachable
from generation.model_call import StreamEvent
from providers.breaker_rules import BreakerRules, Kind, verdict_on
from providers.messages_client import MessagesClient
from tests.support.providers import ServeClaude, ServeOpenRouter, read, text_of
from tests.support.raw_server import Exchange, Script

Error = dict[str, Any]


def answers(code: int, error: Any, **headers: str) -> Script:
    """An HTTP error with this `error` in its body."""

    def play(exchange: Exchange) -> None:
        page = json.dumps({"type": "error", "error": error}).encode()
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        exchange.send(
            f"HTTP/1.1 {code} X\r\ncontent-type: application/json\r\n{lines}"
            f"content-length: {len(page)}\r\n\r\n".encode()
            + page
        )

    return play


def breaks_with(data: Any, *, event: str = "", text: str = "") -> Script:
    """A stream that has begun, and then says this."""

    def play(exchange: Exchange) -> None:
        exchange.begin_stream()
        if text:
            for name, body in (
                ("message_start", {"message": {"id": "m", "model": "claude-sonnet-5-5", "usage": {}}}),
                ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}}),
            ):
                exchange.send_chunk(f"event: {name}\ndata: {json.dumps({'type': name} | body)}\n\n".encode())
        head = f"event: {event}\n" if event else ""
        exchange.send_chunk(f"{head}data: {json.dumps(data)}\n\n".encode())
        exchange.send(b"0\r\n\r\n")

    return play


def invalid(message: str) -> Error:
    return {"type": "invalid_request_error", "message": message, "details": None}


def caught_from(provider: MessagesClient, into: list[StreamEvent] | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read(provider, into=into)
    return caught.value


MODERATED = {"reasons": ["violence"], "flagged_input": "some of the prompt", "provider_name": "Anthropic"}
CREDIT = (
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade."
)
USAGE_LIMITS = (
    "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."
)

#: What a gateway passes on of the provider behind it.
FILTERED_BEHIND = '{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}'

REFUSALS: list[tuple[int, Error, ErrorKind]] = [
    (400, invalid("Output blocked by content filtering policy"), ErrorKind.CONTENT_FILTER),
    (400, invalid("The request was flagged by our safety system."), ErrorKind.CONTENT_FILTER),
    (400, invalid("Your request violates our usage policy."), ErrorKind.CONTENT_FILTER),
    (400, invalid("This request was rejected by our safety classifier"), ErrorKind.CONTENT_FILTER),
    (400, invalid("The output may contain unsafe or harmful content."), ErrorKind.CONTENT_FILTER),
    (
        400,
        invalid("The response was filtered due to the prompt triggering content management policy"),
        ErrorKind.CONTENT_FILTER,
    ),
    (400, {"code": "content_filter", "message": "m"}, ErrorKind.CONTENT_FILTER),
    (400, {"code": "content_policy_violation", "message": "m"}, ErrorKind.CONTENT_FILTER),
    (400, {"type": "content_filter_error", "message": "m"}, ErrorKind.CONTENT_FILTER),
    (400, invalid("Request blocked by the Responsible AI Service"), ErrorKind.CONTENT_FILTER),
    (400, {"code": 400, "message": "m", "metadata": {"raw": FILTERED_BEHIND}}, ErrorKind.CONTENT_FILTER),
    (502, {"code": 502, "message": "m", "metadata": {"raw": FILTERED_BEHIND}}, ErrorKind.CONTENT_FILTER),
    (429, {"code": 429, "message": "m", "metadata": {"raw": FILTERED_BEHIND}}, ErrorKind.BUSY),
    (400, {"code": 400, "message": "m", "metadata": {"raw": {"unsafe": 1}}}, ErrorKind.MISTAKE),
    (400, invalid(CREDIT), ErrorKind.CREDIT),
    (400, invalid(USAGE_LIMITS), ErrorKind.QUOTA),
    (400, invalid("This organization has been disabled."), ErrorKind.POLICY),
    (400, invalid("messages.0.content: Input should be a valid list"), ErrorKind.MISTAKE),
    (400, invalid("prompt is too long: 200001 tokens > 200000 maximum"), ErrorKind.MISTAKE),
    (
        500,
        {"type": "api_error", "message": "Output blocked by content filtering policy"},
        ErrorKind.CONTENT_FILTER,
    ),
    (401, {"type": "authentication_error", "message": "m"}, ErrorKind.KEY),
    (402, {"type": "billing_error", "message": "m"}, ErrorKind.CREDIT),
    (403, {"type": "permission_error", "message": "m"}, ErrorKind.POLICY),
    (404, {"type": "not_found_error", "message": "model: claude-x"}, ErrorKind.MODEL),
    (403, {"code": 403, "message": "m", "metadata": MODERATED}, ErrorKind.MODERATION),
    (403, {"code": 403, "message": "wording 14", "metadata": {"reasons": ["x"]}}, ErrorKind.MODERATION),
    (403, {"type": "permission_error", "error_type": "content_policy_violation"}, ErrorKind.MODERATION),
    (
        403,
        {"type": "permission_error", "message": "Request blocked: prompt injection patterns detected"},
        ErrorKind.CONTENT_FILTER,
    ),
    (403, {"type": "permission_error", "error_type": "refusal", "message": "m"}, ErrorKind.REFUSAL),
    (403, {"code": 403, "message": "Key limit exceeded (monthly limit)."}, ErrorKind.QUOTA),
    (402, {"code": 402, "message": "Insufficient credits."}, ErrorKind.CREDIT),
    (404, {"code": 404, "message": "No endpoints found matching your data policy"}, ErrorKind.POLICY),
    (400, {"code": 400, "error_type": "invalid_request", "message": "m"}, ErrorKind.MISTAKE),
]


@pytest.mark.parametrize(("code", "error", "kind"), REFUSALS)
def test_each_refusal_has_its_kind(claude: ServeClaude, code: int, error: Error, kind: ErrorKind) -> None:
    _, provider = claude(answers(code, error))
    failure = caught_from(provider)
    assert failure.kind is kind
    assert failure.costs_nothing


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        (402, ErrorKind.CREDIT),
        ("402", ErrorKind.CREDIT),
        (403, ErrorKind.POLICY),
        (429, ErrorKind.BUSY),
        (500, ErrorKind.UNREACHABLE),
        (502, ErrorKind.UNREACHABLE),
        (529, ErrorKind.BUSY),
        (404, ErrorKind.MODEL),
        (400, ErrorKind.MISTAKE),
        ("server_error", ErrorKind.UNREACHABLE),
        (True, ErrorKind.UNREACHABLE),
        (10**400, ErrorKind.UNREACHABLE),
        (None, ErrorKind.UNREACHABLE),
    ],
)
@pytest.mark.parametrize("event", ["", "error", "message"])
@pytest.mark.parametrize("text", ["", '{"slot": 1'])
def test_an_error_in_mid_stream_is_judged_by_the_status_it_names(
    openrouter: ServeOpenRouter, named: Any, kind: ErrorKind, event: str, text: str
) -> None:
    data = {"error": {"code": named, "message": "m"}}
    _, provider = openrouter(breaks_with(data, event=event, text=text))
    events: list[StreamEvent] = []
    assert caught_from(provider, events).kind is kind
    assert text_of(events) == text


@pytest.mark.parametrize("event", ["", "error"])
@pytest.mark.parametrize("text", ["", '{"slot": 1'])
def test_a_filter_is_known_before_at_and_after_the_first_token(
    claude: ServeClaude, event: str, text: str
) -> None:
    data = {"type": "error", "error": invalid("Output blocked by content filtering policy")}
    _, provider = claude(breaks_with(data, event=event, text=text))
    failure = caught_from(provider)
    assert isinstance(failure, ContentFiltered)
    assert not failure.costs_nothing, "the reply had begun, so it may be billed"


def test_an_error_under_status_200_without_a_stream_is_the_error_that_it_names(
    openrouter: ServeOpenRouter,
) -> None:
    _, provider = openrouter(answers(200, {"code": 402, "message": "Insufficient credits."}))
    assert caught_from(provider).kind is ErrorKind.CREDIT


@pytest.mark.parametrize(
    "error", ["overloaded", ["a"], 7, {"message": 5, "type": {}, "metadata": []}, {"code": []}]
)
def test_an_error_of_any_shape_is_judged_by_its_status(claude: ServeClaude, error: Any) -> None:
    _, provider = claude(answers(502, error))
    assert isinstance(caught_from(provider), ProviderUnreachable)


def test_nothing_of_what_was_flagged_is_passed_on(openrouter: ServeOpenRouter) -> None:
    error = {"code": 403, "message": "m, a part of the prompt", "metadata": MODERATED}
    _, provider = openrouter(answers(403, error))
    failure = caught_from(provider)
    assert "prompt" not in str(failure)
    assert "prompt" not in str(failure.context)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_says_who_is_asked_next_and_what_rests(kind: ErrorKind) -> None:
    assert kind.ask_next in AskNext
    assert kind.scope in Scope


@pytest.mark.parametrize(("code", "error", "kind"), REFUSALS)
def test_what_concerns_a_slot_alone_never_counts_against_the_provider(
    claude: ServeClaude, code: int, error: Error, kind: ErrorKind
) -> None:
    _, provider = claude(answers(code, error))
    verdict = verdict_on(caught_from(provider), BreakerRules())
    assert (verdict.kind is Kind.WELL) is (kind.scope is Scope.SLOT)


@pytest.mark.parametrize(("code", "error", "kind"), REFUSALS)
def test_every_sentence_ends_and_is_no_wording_of_the_provider(
    claude: ServeClaude, code: int, error: Error, kind: ErrorKind
) -> None:
    _, provider = claude(answers(code, error))
    sentence = str(caught_from(provider))
    assert sentence.endswith(".")
    message = error.get("message", "m")
    assert message == "m" or message not in sentence


@pytest.mark.parametrize(
    "reason",
    [
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "content-filter",
        "SAFETY",
        "PROHIBITED_CONTENT",
    ],
)
def test_a_reply_that_a_filter_has_stopped_is_filtered_and_its_text_is_kept(
    openrouter: ServeOpenRouter, reason: str
) -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}}
    _, provider = openrouter(breaks_with(end, event="message_delta", text='{"slot": 1}'))
    events: list[StreamEvent] = []
    assert caught_from(provider, events).kind is ErrorKind.CONTENT_FILTER
    assert text_of(events) == '{"slot": 1}'


@pytest.mark.parametrize(
    "data",
    [
        {"error": "Output blocked by content filtering policy"},
        {"type": "error", "detail": "Output blocked by content filtering policy"},
        {"type": "error", "message": "Output blocked by content filtering policy"},
        {"type": "error", "error": {"message": "Output blocked by content filtering policy"}},
    ],
)
def test_a_filter_is_known_in_any_envelope(claude: ServeClaude, data: Any) -> None:
    _, provider = claude(breaks_with(data, event="error", text='{"slot": 1}'))
    assert caught_from(provider).kind is ErrorKind.CONTENT_FILTER
