"""Recorded replies that end badly: told alike, and with the same text kept, in whatever pieces they come."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import ProviderBusy, ProviderError, ProviderRefused, ProviderUnreachable, StreamCut
from generation.model_call import StreamEvent
from providers.messages_client import MessagesClient
from tests.integration.providers.test_recorded_streams import COMPLETE, recorded_text
from tests.support.providers import ServeClaude, deliver_in_pieces, read, text_of
from tests.support.raw_server import STREAMS, recorded

#: By story: how it ends, and whether all text of the recording is readable.
ENDINGS: dict[str, type[ProviderError]] = {
    "overloaded_after_three.sse": ProviderBusy,
    "error_before_the_start.sse": ProviderUnreachable,
    "refusal_mid_stream.sse": ProviderRefused,
    "ends_without_stop.sse": StreamCut,
    "cut_mid_string.sse": StreamCut,
    "garbled_data.sse": StreamCut,
    "text_before_start.sse": StreamCut,
}

#: Played by the tests of the watchdog, because it never ends by itself.
STALLED = {"pings_only_stall.sse"}


def ended(provider: MessagesClient) -> tuple[str, type[ProviderError]]:
    """The text that was kept, and what ended it."""
    events: list[StreamEvent] = []
    with pytest.raises(ProviderError) as caught:
        read(provider, into=events)
    return text_of(events), caught.type


def test_every_recording_is_played_somewhere() -> None:
    stories = {path.name for path in STREAMS.glob("*.sse")}
    assert stories == {*COMPLETE, *ENDINGS, *STALLED}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_bad_end_is_the_same_in_pieces_of_any_size(claude: ServeClaude, name: str) -> None:
    _, provider = claude(recorded(name))
    whole = ended(provider)
    assert whole[1] is ENDINGS[name]
    for size in (1, 2, 3, 7, 64, 1000):
        deliver_in_pieces(provider, [size])
        assert ended(provider) == whole, f"in pieces of {size}"


@pytest.mark.parametrize("name", ["overloaded_after_three.sse", "refusal_mid_stream.sse"])
def test_no_cutting_of_the_bytes_changes_a_bad_end(claude: ServeClaude, name: str) -> None:
    _, provider = claude(recorded(name))
    whole = ended(provider)
    assert recorded_text(name).startswith(whole[0])

    @settings(max_examples=25, deadline=None)
    @given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=30))
    def check(sizes: list[int]) -> None:
        deliver_in_pieces(provider, sizes)
        assert ended(provider) == whole

    check()


@pytest.mark.parametrize("name", ["arabic_split_in_codepoint.sse", "arabic_split_in_diacritic.sse"])
def test_no_cutting_of_the_bytes_changes_an_arabic_letter(claude: ServeClaude, name: str) -> None:
    _, provider = claude(recorded(name))

    @settings(max_examples=25, deadline=None)
    @given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=30))
    def check(sizes: list[int]) -> None:
        deliver_in_pieces(provider, sizes)
        assert text_of(read(provider)) == recorded_text(name)

    check()
