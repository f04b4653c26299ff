"""`check cache`: does one call write our shared prefix and the next one read it, and if not, why?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from generation.errors import ProviderError
from generation.model import Section
from generation.model_call import Prompt, Usage
from generation.prompts.blocks import system_blocks
from providers.profiles import ModelProfile
from runtime.money import dollars
from worker.commands.asking import Reading, ask, claude
from worker.commands.output import NO, AsJson, print_json, print_table, refuse

_USER = "أجب بكلمة واحدة: نعم."
_MAX_TOKENS = 16

#: Seconds that a cache entry lives at least; each use starts the time again.
_SHORTEST_LIFE_S = 300


@dataclass(frozen=True)
class Verdict:
    holds: bool
    sentence: str


def check_cache(
    section: Annotated[Section, typer.Option(help="The section whose prompt to use.")] = Section.QUANTITATIVE,
    *,
    as_json: AsJson = False,
) -> None:
    """Make two small calls with our real prompt: the first writes the cache, or reads it; the second reads."""
    prompt = Prompt(system_blocks(section), _USER, _MAX_TOKENS)
    with claude() as model:
        provider = model.provider
        try:
            first, second = ask(provider, prompt), ask(provider, prompt)
        except ProviderError as err:
            refuse(f"{provider.model} did not answer ({err.code}): {err}")
        verdict = judge(first, second, provider.profile)
    if as_json:
        calls = [first.as_json(), second.as_json()]
        report = {"ok": verdict.holds, "because": verdict.sentence, "calls": calls}
        print_json(report | {"simulator": bool(model.state.is_simulator)})
    else:
        _print_calls(first, second)
        if model.state.is_simulator:
            typer.echo("The simulator answered, not Claude: this is its cache.")
        typer.echo(verdict.sentence, err=not verdict.holds)
    if not verdict.holds:
        raise typer.Exit(NO)


def judge(first: Reading, second: Reading, profile: ModelProfile) -> Verdict:
    """Whether the second call read all that the first one wrote or read, or why it did not."""
    shared, read = _shared_tokens(first.usage), second.usage.cache_read
    if shared == 0:
        return Verdict(holds=False, sentence=_not_cached(first, profile))
    if read < shared:
        return Verdict(holds=False, sentence=_not_read(first, second, shared))
    how = "read, because it was warm already" if first.usage.cache_written == 0 else "written"
    return Verdict(
        holds=True,
        sentence=f"The cache works: {shared} shared tokens were {how}, and {read} were read by the next call.",
    )


def _shared_tokens(usage: Usage) -> int:
    return usage.cache_read + usage.cache_written


def _not_cached(first: Reading, profile: ModelProfile) -> str:
    tokens, minimum = first.usage.input, profile.cache_minimum_tokens
    if tokens < minimum:
        return (
            f"Nothing was cached: the whole prompt has {tokens} tokens, and {profile.name} caches nothing "
            f"shorter than {minimum}. Use another CLAUDE_MODEL, or lengthen the shared blocks."
        )
    return (
        f"Nothing was cached, though the prompt has {tokens} tokens and {profile.name} needs {minimum}. "
        "Check that nothing between us and the provider drops `cache_control`."
    )


def _not_read(first: Reading, second: Reading, shared: int) -> str:
    found = f"Only {second.usage.cache_read} of {shared} shared tokens were read by the second call. "
    if second.cache_miss_reason is not None:
        return found + f"The provider's reason: {second.cache_miss_reason}."
    if first.duration_s >= _SHORTEST_LIFE_S:
        return found + f"The first call took {first.duration_s} s, longer than an entry may live."
    return found + (
        "The provider gives no reason. Check that both calls reach the same workspace, and try again: "
        "an entry may be dropped early."
    )


def _print_calls(first: Reading, second: Reading) -> None:
    print_table(
        ["call", "in", "read", "written", "out", "first token", "cost"],
        [
            [
                name,
                str(reading.usage.input),
                str(reading.usage.cache_read),
                str(reading.usage.cache_written),
                str(reading.usage.output),
                f"{reading.first_token_s} s",
                dollars(reading.cost_microdollars),
            ]
            for name, reading in (("first", first), ("second", second))
        ],
    )
    typer.echo("These calls are not in the ledger.")
