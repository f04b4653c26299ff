"""Which slots a cheaper model writes, by difficulty and question type (LIGHT_SLOTS)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from generation.model import Difficulty, QuestionType, Slot
from generation.ports import LightWriter
from providers.claude import NAME
from providers.messages_client import Asking, MessagesClient, Traffic
from providers.stream import StreamLimits
from providers.telemetry import ProviderTelemetry
from providers.usage_recovery import TokenCounter
from runtime.settings import ClaudeSettings, SettingsError

#: It has a circuit breaker of its own, by this name: a misspelt LIGHT_MODEL must not stop the writing.
LIGHT = "light"


def make_light_writer(
    settings: ClaudeSettings, writer: MessagesClient, *, limits: StreamLimits, traffic: Traffic
) -> LightWriter | None:
    """The writer for LIGHT_MODEL, over the connections of `writer`, or None where it is off. Raises SettingsError."""
    if settings.light_model is None:
        return None
    client = MessagesClient(
        name=NAME,
        model=settings.light_model,
        client=writer.client,
        asking=Asking.of(settings, limits),
        traffic=replace(traffic, telemetry=ProviderTelemetry()),  # gauges describe the model that writes most
        count=TokenCounter(writer.client, settings.light_model),
    )
    return LightWriter(client, slots_like(settings.light_slots))


def slots_like(patterns: Sequence[str]) -> Callable[[Slot], bool]:
    """Whether a slot fits one of `easy`, `analogy`, `easy:analogy`. Raises SettingsError for an unknown word."""
    wanted = [_words(pattern) for pattern in patterns]
    return lambda slot: any(words <= {slot.difficulty.value, slot.question_type.value} for words in wanted)


def _words(pattern: str) -> frozenset[str]:
    words = frozenset(pattern.split(":"))
    known = {*(each.value for each in Difficulty), *(each.value for each in QuestionType)}
    if unknown := sorted(words - known):
        raise SettingsError(
            f"LIGHT_SLOTS names {unknown[0]}, which is neither a difficulty nor a question type. "
            f"Use some of: {', '.join(sorted(known))}."
        )
    return words
