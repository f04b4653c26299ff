"""How closely a reply is read: word by word where a student waits, now and then where nobody does."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import Urgency
from generation.model_call import Prompt
from providers.claude import make_claude
from providers.read_pacing import ReadPacing
from runtime.settings import ClaudeSettings, Environment


@pytest.mark.parametrize(("urgency", "gathers"), [(Urgency.INTERACTIVE, False), (Urgency.PREFETCH, True)])
def test_only_the_text_of_a_prefetch_gathers(urgency: Urgency, gathers: bool) -> None:
    settings = ClaudeSettings(
        tafawoq_env=Environment.DEVELOPMENT, claude_base_url="http://127.0.0.1:9", anthropic_api_key=None
    )
    provider = make_claude(settings, stall_timeout_s=30, deadline_s=60)
    try:
        call = provider._call(Prompt(system=(), user="?", max_tokens=10), "5m", urgency)
    finally:
        provider.close()
    assert (call.read_pacing is not None) is gathers
    assert (call.limits.stall_timeout_s, call.limits.deadline_s) == (30, 60)


def test_one_reader_alone_reads_nearly_every_word() -> None:
    read_pacing = ReadPacing()
    with read_pacing.reading():
        assert read_pacing.gather_s() < 0.01
    assert read_pacing.gather_s() == 0


@given(readers=st.integers(1, 2000), reads_per_s=st.integers(1, 1000))
def test_all_readers_together_read_no_more_often_than_was_said_unless_one_would_wait_too_long(
    readers: int, reads_per_s: int
) -> None:
    read_pacing = ReadPacing(reads_per_s, longest_s=1.5)
    with ExitStack() as all_of_them:
        for _ in range(readers):
            all_of_them.enter_context(read_pacing.reading())
        gather_s = read_pacing.gather_s()
    assert gather_s == pytest.approx(min(readers / reads_per_s, 1.5))
    assert read_pacing.gather_s() == 0
