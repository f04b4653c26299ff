"""The simulated prompt cache: exact prefixes, minimum size, lifetimes, and when an entry can be read."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.simulator.catalogue import ModelProfile, catalogue
from tools.simulator.prefix_cache import CachePlan, PromptCache, level_digests, prefix_of

SONNET = catalogue()["claude-sonnet-5-5"]
OLDER = catalogue()["claude-sonnet-4-6"]
LONG = "قاعدة " * 600


def block(text: str, ttl: str | None = None) -> dict[str, Any]:
    control = {"cache_control": {"type": "ephemeral", "ttl": ttl}} if ttl else {}
    return {"type": "text", "text": text, **control}


def body(*system: dict[str, Any], user: str = "س", **changes: Any) -> dict[str, Any]:
    return {"system": list(system), "messages": [{"role": "user", "content": user}], **changes}


def look(
    cache: PromptCache, request: dict[str, Any], now: float = 0.0, profile: ModelProfile = SONNET
) -> CachePlan:
    return cache.look_up(prefix_of(request, profile), profile, now)


def ask(
    cache: PromptCache, request: dict[str, Any], now: float = 0.0, profile: ModelProfile = SONNET
) -> CachePlan:
    plan = look(cache, request, now, profile)
    cache.begin(plan)
    return plan


def test_the_second_request_reads_what_the_first_one_wrote() -> None:
    cache = PromptCache()
    first = ask(cache, body(block(LONG, "5m")))
    second = ask(cache, body(block(LONG, "5m"), user="سؤال آخر"))
    assert first.read == 0
    assert first.write_5m > 0
    assert second.read == first.write_5m
    assert second.write_5m == 0
    assert second.input > first.input


def test_an_entry_is_readable_only_once_a_response_that_writes_it_has_begun() -> None:
    cache = PromptCache()
    plans = [look(cache, body(block(LONG, "5m"))) for _ in range(3)]
    assert [plan.read for plan in plans] == [0, 0, 0]
    cache.begin(plans[0])
    assert look(cache, body(block(LONG, "5m"))).read > 0


def test_the_lifetime_runs_from_the_start_of_the_request_and_a_hit_refreshes_it() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG, "5m")), now=0)
    assert ask(cache, body(block(LONG, "5m")), now=299).read > 0
    assert look(cache, body(block(LONG, "5m")), now=598).read > 0
    assert look(cache, body(block(LONG, "5m")), now=599).read == 0


def test_an_hour_is_written_and_counted_apart_from_five_minutes() -> None:
    cache = PromptCache()
    request = body(block(LONG, "1h"), block("قسم " * 600, "5m"))
    plan = ask(cache, request)
    assert plan.write_1h > 0
    assert plan.write_5m > 0
    later = ask(cache, request, now=1000)
    assert (later.read, later.write_1h, later.write_5m) == (plan.write_1h, 0, plan.write_5m)


def test_a_prefix_below_the_minimum_is_silently_not_cached() -> None:
    cache = PromptCache()
    plan = ask(cache, body(block("قصير", "5m")))
    assert (plan.read, plan.write_5m) == (0, 0)
    assert plan.input > 0


def test_without_a_breakpoint_nothing_is_cached() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG)))
    assert look(cache, body(block(LONG))).read == 0


def test_a_shared_first_block_is_read_when_only_the_second_differs() -> None:
    cache = PromptCache()
    first = ask(cache, body(block(LONG, "5m"), block("كمي " * 600, "5m")))
    second = ask(cache, body(block(LONG, "5m"), block("لفظي " * 600, "5m")))
    assert 0 < second.read < first.write_5m
    assert second.write_5m > 0


def test_one_changed_letter_before_the_breakpoint_loses_everything_after_it() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG, "5m")))
    assert look(cache, body(block(LONG + "ـ", "5m"))).read == 0


def test_reads_walk_back_over_at_most_twenty_blocks() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG, "5m")))
    near = [block(f"{i}") for i in range(18)]
    far = [block(f"{i}") for i in range(19)]
    assert look(cache, body(block(LONG), *near, block("نهاية", "5m"))).read > 0
    assert look(cache, body(block(LONG), *far, block("نهاية", "5m"))).read == 0


def test_another_model_or_another_effort_shares_no_prefix() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG, "5m")))
    assert look(cache, body(block(LONG, "5m")), profile=OLDER).read == 0
    assert look(cache, body(block(LONG, "5m"), output_config={"effort": "low"})).read == 0


def test_an_effort_equal_to_the_default_is_the_same_as_none() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG, "5m")))
    assert look(cache, body(block(LONG, "5m"), output_config={"effort": "high"})).read > 0


def test_thinking_splits_only_the_messages_where_the_model_keeps_the_system() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG, "5m")), profile=OLDER)
    changed = body(block(LONG, "5m"), thinking={"type": "adaptive"})
    assert look(cache, changed, profile=OLDER).read > 0


def test_automatic_caching_puts_a_breakpoint_on_the_last_block() -> None:
    cache = PromptCache()
    request = body(block("قاعدة"), user=LONG, cache_control={"type": "ephemeral"})
    assert ask(cache, request).write_5m > 0
    assert look(cache, request).read > 0


def test_an_output_format_and_tools_are_part_of_the_prefix() -> None:
    cache = PromptCache()
    ask(cache, body(block(LONG, "5m")))
    assert look(cache, body(block(LONG, "5m"), output_config={"format": {"type": "json_schema"}})).read == 0
    assert look(cache, body(block(LONG, "5m"), tools=[{"name": "t"}])).read == 0


def test_level_digests_say_where_two_requests_part() -> None:
    one, other = body(block(LONG)), body(block("آخر"))
    first, second = level_digests(one, SONNET), level_digests(other, SONNET)
    assert [level for level in first if first[level] != second[level]] == ["system"]


@given(
    st.lists(st.sampled_from([("ا", 300), ("ب", 700), ("ج", 1500)]), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_every_token_of_a_prompt_is_counted_once(parts: list[tuple[str, int]], marks: list[bool]) -> None:
    cache = PromptCache()
    request = body(
        *(block(letter * size, "5m" if marks[i] else None) for i, (letter, size) in enumerate(parts))
    )
    total = prefix_of(request, SONNET)[-1].tokens
    for _ in range(2):
        plan = ask(cache, request)
        assert plan.input + plan.read + plan.write_5m + plan.write_1h == total
