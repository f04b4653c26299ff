from __future__ import annotations

from generation.model import Prompt, SystemBlock
from providers.trail import CacheTrail


def prompt(prefix: str, user: str = "u") -> Prompt:
    return Prompt((SystemBlock(prefix, cached=True),), user, 10)


def test_the_first_message_of_a_prefix_follows_none() -> None:
    assert CacheTrail().previous(prompt("a")) is None


def test_each_prefix_remembers_its_own_last_message() -> None:
    trail = CacheTrail()
    for prefix, message_id in [("a", "msg_1"), ("b", "msg_2"), ("a", "msg_3")]:
        trail.remember(prompt(prefix), message_id)
    assert trail.previous(prompt("a", "another tail")) == "msg_3"
    assert trail.previous(prompt("b")) == "msg_2"


def test_the_memory_does_not_grow_without_end() -> None:
    trail = CacheTrail()
    for number in range(200):
        trail.remember(prompt(str(number)), f"msg_{number}")
    assert trail.previous(prompt("199")) == "msg_199"
    assert trail.previous(prompt("0")) is None
