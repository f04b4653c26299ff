"""What the real API refuses is never sent. The table is the vendor's, written down here a second time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model_call import Prompt, SystemBlock
from providers.messages import CacheTtl, request_body
from providers.profiles import ModelProfile, known_profiles, profile_of

PROMPT = Prompt(
    system=(SystemBlock("قواعد", cached=False), SystemBlock("أمثلة", cached=True)),
    user="اكتب.",
    max_tokens=8000,
)


@dataclass(frozen=True)
class Accepts:
    """What a model answers 400 to when it is not in here."""

    thinking: frozenset[str | None]  #: None: the field left out
    silent: frozenset[str | None]  #: which of these make it answer without thinking first
    efforts: frozenset[str | None]
    max_output: int


Choices = frozenset[str | None]

OMIT: Choices = frozenset({None})
DISABLED: Choices = frozenset({"disabled"})
ADAPTIVE: Choices = frozenset({"adaptive"})
BETWEEN_TOOLS: Choices = frozenset({"between_tools"})
EFFORTS: Choices = frozenset({None, "low", "medium", "high"})
ACCEPTED = {
    "claude-sonnet-4-5": Accepts(OMIT | DISABLED, OMIT | DISABLED, OMIT, 64_000),
    "claude-haiku-4-5": Accepts(OMIT | DISABLED, OMIT | DISABLED, OMIT, 64_000),
    "claude-sonnet-4-6": Accepts(OMIT | DISABLED | ADAPTIVE, OMIT | DISABLED, EFFORTS, 128_000),
    "claude-sonnet-5": Accepts(OMIT | DISABLED | ADAPTIVE, DISABLED, EFFORTS, 128_000),
    "claude-sonnet-5-5": Accepts(OMIT | BETWEEN_TOOLS | ADAPTIVE, BETWEEN_TOOLS, EFFORTS, 128_000),
    "claude-haiku-5-5": Accepts(OMIT | DISABLED | ADAPTIVE, DISABLED, EFFORTS, 128_000),
    "claude-opus-5-5": Accepts(OMIT | ADAPTIVE, frozenset(), EFFORTS, 128_000),
}

#: Refused by at least one model or by the API version that the SDK names.
NEVER_SENT = {"temperature", "top_p", "top_k", "tools", "tool_choice", "stop_sequences", "prefill"}

profiles = pytest.mark.parametrize("profile", known_profiles(), ids=lambda profile: profile.name)


def body_for(profile: ModelProfile, *, prompt: Prompt = PROMPT, **options: Any) -> dict[str, Any]:
    chosen: dict[str, Any] = {"effort": "low", "cache_ttl": "5m"} | options
    return request_body(prompt, profile, model=profile.name, **chosen)


def test_every_model_of_the_table_is_walked() -> None:
    assert {profile.name for profile in known_profiles()} == set(ACCEPTED)


@profiles
@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max", "enormous"])
@pytest.mark.parametrize("cache_ttl", ["5m", "1h"])
def test_nothing_is_sent_that_the_model_refuses(
    profile: ModelProfile, effort: str, cache_ttl: CacheTtl
) -> None:
    prompt = Prompt(PROMPT.system, PROMPT.user, max_tokens=1_000_000)
    body = body_for(profile, prompt=prompt, effort=effort, cache_ttl=cache_ttl)
    accepts = ACCEPTED[profile.name]
    thinking = body.get("thinking")
    assert (None if thinking is None else thinking["type"]) in accepts.thinking
    assert thinking is None or set(thinking) == {"type"}
    assert body.get("output_config", {}).get("effort") in accepts.efforts
    assert body["max_tokens"] <= accepts.max_output
    assert not NEVER_SENT & set(body)
    assert body["messages"][-1]["role"] == "user"
    assert "format" not in body.get("output_config", {})


@profiles
def test_every_model_that_can_is_told_not_to_think(profile: ModelProfile) -> None:
    sent = body_for(profile).get("thinking", {}).get("type")
    silent = ACCEPTED[profile.name].silent
    assert sent in silent or not silent


def test_the_default_model_gets_exactly_this_body() -> None:
    assert body_for(profile_of("claude-sonnet-5-5")) == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 8000,
        "stream": True,
        "thinking": {"type": "between_tools"},
        "output_config": {"effort": "low"},
        "system": [
            {"type": "text", "text": "قواعد"},
            {"type": "text", "text": "أمثلة", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
        ],
        "messages": [{"role": "user", "content": "اكتب."}],
    }


def test_a_model_nobody_knows_is_sent_only_what_every_model_takes() -> None:
    body = body_for(profile_of("claude-sonnet-9"))
    assert set(body) == {"model", "max_tokens", "stream", "system", "messages"}


def test_an_effort_of_the_future_is_left_out() -> None:
    assert "output_config" not in body_for(profile_of("claude-sonnet-5-5"), effort="max")


blocks = st.builds(SystemBlock, text=st.text(max_size=5), cached=st.booleans())


@given(system=st.lists(blocks, max_size=9).map(tuple))
def test_breakpoints_are_few_and_never_on_nothing(system: tuple[SystemBlock, ...]) -> None:
    body = body_for(profile_of("claude-sonnet-5-5"), prompt=Prompt(system, "u", 10))
    sent = body["system"]
    assert [block["text"] for block in sent] == [block.text for block in system if block.text]
    breakpoints = [index for index, block in enumerate(sent) if "cache_control" in block]
    spoken = [block for block in system if block.text]
    wanted = [index for index, block in enumerate(spoken) if block.cached]
    assert breakpoints == wanted[-4:]


@given(user=st.text(max_size=30))
def test_the_shared_prefix_depends_on_the_blocks_alone(user: str) -> None:
    """Equal blocks give equal bytes, whatever the varying part says."""
    profile = profile_of("claude-sonnet-5-5")
    one = body_for(profile, prompt=Prompt(PROMPT.system, user, 100))
    other = body_for(profile)
    for field in ("model", "system", "thinking", "output_config"):
        assert json.dumps(one[field], ensure_ascii=False) == json.dumps(other[field], ensure_ascii=False)
    assert list(one) == list(other)
