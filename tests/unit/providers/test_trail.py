from __future__ import annotations

from collections.abc import Iterator

from generation.model import Prompt, StreamEvent, StreamStarted, SystemBlock, TextDelta, Usage
from providers.trail import CacheTrail


def prompt(prefix: str, user: str = "u") -> Prompt:
    return Prompt((SystemBlock(prefix, cached=True),), user, 10)


def reply(message_id: str) -> Iterator[StreamEvent]:
    yield StreamStarted("m", message_id, None, Usage())
    yield TextDelta("t")


def test_the_first_message_of_a_prefix_follows_none() -> None:
    assert CacheTrail().previous(prompt("a")) is None


def test_each_prefix_remembers_its_own_last_message() -> None:
    trail = CacheTrail()
    for prefix, message_id in [("a", "msg_1"), ("b", "msg_2"), ("a", "msg_3")]:
        assert len(list(trail.following(prompt(prefix), reply(message_id)))) == 2
    assert trail.previous(prompt("a", "another tail")) == "msg_3"
    assert trail.previous(prompt("b")) == "msg_2"


def test_the_message_counts_from_its_start_not_its_end() -> None:
    """The next lane may begin while this one still writes."""
    trail = CacheTrail()
    events = trail.following(prompt("a"), reply("msg_1"))
    next(events)
    assert trail.previous(prompt("a")) == "msg_1"


def test_the_memory_does_not_grow_without_end() -> None:
    trail = CacheTrail()
    for number in range(200):
        list(trail.following(prompt(str(number)), reply(f"msg_{number}")))
    assert trail.previous(prompt("199")) == "msg_199"
    assert trail.previous(prompt("0")) is None
