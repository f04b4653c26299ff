from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import generation
import providers
from api.ops import words
from generation.cancellation import StopReason
from generation.errors import GenerationError
from generation.verdicts import Doubt, Verdict

#: They end a request or a plan, and no model call.
NOT_OF_CALLS = {
    "generation_failed",
    "invalid_plan",
    "store_rejected",
    "question_repeated",
    "spend_limit_reached",
    "session_not_found",
    "session_not_adopted",
    "invalid_batch_index",
}


def kinds(kind: type[GenerationError]) -> Iterator[type[GenerationError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def test_every_way_in_which_a_call_ends_has_words() -> None:
    for package in (generation, providers):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    ours = (
        kind
        for kind in kinds(GenerationError)
        if kind.__module__.split(".")[0] in {"generation", "providers"}
    )
    codes = {*StopReason, *(kind.code for kind in ours)} - NOT_OF_CALLS

    assert {str(code) for code in codes} - words.OUTCOMES.keys() == set()


def test_every_verdict_and_doubt_has_words_and_an_unknown_code_is_shown_as_it_is() -> None:
    assert set(Verdict) <= words.VERDICTS.keys()
    assert set(Doubt) == words.DOUBTS.keys()
    assert words.outcome("some_new_code") == "some new code"


def test_a_second_run_is_explained_by_how_the_first_ended() -> None:
    assert "vanished in mid-stream" in words.why_again(["complete", "lost"])
    assert "shut down" in words.why_again(["shutdown"])
    assert "the reply broke off" in words.why_again(["complete", "stream_cut"])
    assert words.why_again(["complete"]) == "The run before left open slots; this one asked only for those."
