"""How closely a reply is read: word by word where a student waits, now and then where nobody does."""

from __future__ import annotations

import pytest

from generation.model import Prompt, Urgency
from providers.claude import make_claude
from runtime.settings import ClaudeSettings, Environment


@pytest.mark.parametrize(("urgency", "gathers"), [(Urgency.INTERACTIVE, False), (Urgency.PREFETCH, True)])
def test_only_the_text_of_a_prefetch_gathers(urgency: Urgency, gathers: bool) -> None:
    settings = ClaudeSettings(
        tafawoq_env=Environment.DEVELOPMENT, claude_base_url="http://127.0.0.1:9", anthropic_api_key=None
    )
    source = make_claude(settings, stall_timeout_s=30, deadline_s=60)
    try:
        call = source._call(Prompt(system=(), user="?", max_tokens=10), "5m", urgency)
    finally:
        source.close()
    assert (call.limits.gather_s > 0) is gathers
    assert (call.limits.stall_timeout_s, call.limits.deadline_s) == (30, 60)
