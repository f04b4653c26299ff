"""Claude for commands that ask it outside of any session: without a ledger entry or a row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from generation.cancellation import CancellationSignal
from generation.model_call import Prompt, StreamEnded, StreamStarted, TextDelta, Usage
from providers.claude import make_claude, make_solver
from providers.fallback import OrderedFallback
from providers.messages_client import MessagesClient
from providers.model_check import ModelCheck, check_model
from runtime.settings import ClaudeSettings, GenerationSettings, load
from worker.commands.output import refuse
from worker.doctor import no_model

_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Reading:
    """One complete reply."""

    model: str  #: the one that answered
    text: str
    stop_reason: str | None
    usage: Usage
    cost_microdollars: Decimal
    first_token_s: float | None
    duration_s: float
    request_id: str | None
    cache_miss_reason: str | None

    def as_json(self) -> dict[str, Any]:
        usage = self.usage
        return {
            "model": self.model,
            "stopReason": self.stop_reason,
            "inputTokens": usage.input,
            "outputTokens": usage.output,
            "cacheReadTokens": usage.cache_read,
            "cacheWriteTokens": usage.cache_written,
            "costMicrodollars": str(self.cost_microdollars),
            "firstTokenSeconds": self.first_token_s,
            "seconds": self.duration_s,
            "requestId": self.request_id,
            "cacheMissReason": self.cache_miss_reason,
        }


@dataclass(frozen=True)
class Model:
    """The provider that a check calls, and what the model check found."""

    provider: MessagesClient
    state: ModelCheck


@contextmanager
def claude() -> Iterator[Model]:
    """Claude with the workers' settings, or the simulator."""
    settings = load(ClaudeSettings)
    stall_timeout_s = load(GenerationSettings).generation_stall_timeout_s
    with closing(make_claude(settings, stall_timeout_s=stall_timeout_s, deadline_s=_TIMEOUT_S)) as provider:
        state = _usable(check_model(provider))
        if state.is_simulator is None and settings.asks_simulator:
            missing = no_model(settings.simulator_url)
            refuse(f"{missing.says}. {missing.remedy}")
        yield Model(provider, state)


@contextmanager
def claude_alone(model: str | None = None) -> Iterator[tuple[OrderedFallback, ModelCheck]]:
    """Claude with its solver and without a fallback, as the workers' settings say, and what the model check found.

    `model`, one of --models, replaces theirs. A model that cannot be used ends the command with a sentence.
    """
    settings, limits = load(ClaudeSettings), load(GenerationSettings)
    if model is not None:
        settings = settings.model_copy(update={"claude_model": model})
    stall_timeout_s = limits.generation_stall_timeout_s
    writer = make_claude(
        settings, stall_timeout_s=stall_timeout_s, deadline_s=limits.generation_run_deadline_s
    )
    solver = make_solver(settings, writer, stall_timeout_s=stall_timeout_s)
    with closing(OrderedFallback([writer], solver=solver)) as providers:
        yield providers, _usable(check_model(writer, "--models" if model else "CLAUDE_MODEL"))


def _usable(state: ModelCheck) -> ModelCheck:
    if state.stop is not None:
        refuse(state.stop)
    return state


def ask(provider: MessagesClient, prompt: Prompt) -> Reading:
    """Make one call and read the reply to its end. Raises ProviderError."""
    began = time.monotonic()
    started, ended, first_token_s = None, None, None
    text: list[str] = []
    with provider.stream(prompt, CancellationSignal()) as events:
        for event in events:
            match event:
                case StreamStarted():
                    started = event
                case TextDelta():
                    first_token_s = first_token_s or round(time.monotonic() - began, 3)
                    text.append(event.text)
                case StreamEnded():
                    ended = event
    usage = ended.usage if ended else Usage()
    model = started.model if started else provider.model
    return Reading(
        model=model,
        text="".join(text),
        stop_reason=ended.stop_reason if ended else None,
        usage=usage,
        cost_microdollars=provider.cost_microdollars(model, usage),
        first_token_s=first_token_s,
        duration_s=round(time.monotonic() - began, 3),
        request_id=started.request_id if started else None,
        cache_miss_reason=last.cache_miss_reason if (last := ended or started) else None,
    )
