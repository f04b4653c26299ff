from __future__ import annotations

from generation.model_call import Prompt, SystemBlock
from providers.cache_diagnostics import CacheDiagnostics


def prompt(prefix: str, user: str = "u") -> Prompt:
    return Prompt((SystemBlock(prefix, cached=True),), user, 10)


def test_the_first_message_of_a_prefix_follows_none() -> None:
    assert CacheDiagnostics().previous(prompt("a")) is None


def test_each_prefix_remembers_its_own_last_message() -> None:
    diagnostics = CacheDiagnostics()
    for prefix, message_id in [("a", "msg_1"), ("b", "msg_2"), ("a", "msg_3")]:
        diagnostics.remember(prompt(prefix), message_id)
    assert diagnostics.previous(prompt("a", "another tail")) == "msg_3"
    assert diagnostics.previous(prompt("b")) == "msg_2"


def test_the_memory_does_not_grow_without_end() -> None:
    diagnostics = CacheDiagnostics()
    for number in range(200):
        diagnostics.remember(prompt(str(number)), f"msg_{number}")
    assert diagnostics.previous(prompt("199")) == "msg_199"
    assert diagnostics.previous(prompt("0")) is None
