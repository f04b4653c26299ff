"""Faults that a test or an operator asks for: which, when, how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from tools.simulator.json_text import decode
from tools.simulator.usage_shapes import USAGE_SHAPES

#: Before the response begins.
EARLY = frozenset({"http", "overloaded", "rate_limit", "reset_early", "slow_first_token", "slow"})
#: While the response runs.
LATE = frozenset(
    {"error_event", "stall", "cut", "reset", "no_stop", "refusal", "max_tokens", "unknown_event", "usage"}
)


@dataclass
class Fault:
    """One rule. `after_*` say where in the reply it strikes; they add up, questions first."""

    kind: str
    rate: float = 1.0  #: share of matching requests it strikes
    times: int | None = None  #: strikes left; None is without end
    skip: int = 0  #: matching requests to let pass first
    route: str | None = None  #: only this one: anthropic or openrouter
    model: str | None = None
    contains: str | None = None  #: only requests whose last user message contains this
    status: int = 500
    error_type: str | None = None
    error_code: str | None = None
    retry_after: float | None = None
    message: str | None = None
    after_questions: int | None = None
    after_chars: int | None = None
    after_bytes: int | None = None  #: of the response body, for cut, reset and stall
    seconds: float | None = None  #: simulated; how long to stall (None: until the client goes) or to be slow
    factor: float = 10.0  #: how many times slower `slow` is
    category: str | None = None  #: of a refusal
    flagged: bool = False  #: an HTTP error with the metadata of OpenRouter's moderation
    names_status: int | None = None  #: an error event as OpenRouter's: bare data that names this status
    usage: str | None = None  #: how usage is reported: a name in USAGE_SHAPES; goes with any late kind

    def __post_init__(self) -> None:
        if self.kind not in EARLY | LATE:
            known = ", ".join(sorted(EARLY | LATE))
            raise ValueError(f"There is no fault {self.kind!r}; choose one of {known}.")
        if self.usage is not None and self.usage not in USAGE_SHAPES:
            known = ", ".join(sorted(USAGE_SHAPES))
            raise ValueError(f"There is no shape of usage {self.usage!r}; choose one of {known}.")

    def cut_position(self, text: str, *, default: int) -> int:
        """Where in the reply it strikes, in characters; `default` when nothing was said."""
        if self.after_questions is None and self.after_chars is None:
            return default
        start = end_of_question(text, self.after_questions or 0)
        return min(len(text), start + (self.after_chars or 0))

    def matches(self, route: str, model: str, user_text: str) -> bool:
        return (
            self.route in {None, route}
            and self.model in {None, model}
            and (self.contains is None or self.contains in user_text)
        )


@dataclass
class FaultBook:
    """The rules in force, asked in order: the first that strikes wins."""

    faults: list[Fault] = field(default_factory=list)

    def strike(self, route: str, model: str, user_text: str, rng: Random) -> Fault | None:
        for fault in self.faults:
            if fault.times == 0 or not fault.matches(route, model, user_text):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.rate < 1 and rng.random() >= fault.rate:
                continue
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {f.name: getattr(fault, f.name) for f in fields(fault) if getattr(fault, f.name) is not None}
            for fault in self.faults
        ]


def end_of_question(text: str, questions: int) -> int:
    """The position after the `questions`-th line; the end of the text when it has fewer."""
    position = 0
    for _ in range(questions):
        found = text.find("\n", position)
        if found < 0:
            return len(text)
        position = found + 1
    return position


def read_faults(spec: str | Iterable[dict[str, Any]]) -> list[Fault]:
    """From JSON (a list of objects), or from `kind:rate,kind:rate`. Raises ValueError saying what is wrong."""
    if isinstance(spec, str):
        spec = decode(spec) if spec.lstrip().startswith("[") else _short(spec)
    try:
        return [Fault(**rule) for rule in spec]
    except TypeError as error:
        known = ", ".join(f.name for f in fields(Fault))
        raise ValueError(f"A fault is an object with some of the keys {known} ({error}).") from error


def _short(spec: str) -> list[dict[str, Any]]:
    rules = []
    for part in filter(None, (part.strip() for part in spec.split(","))):
        kind, _, rate = part.partition(":")
        rules.append({"kind": kind, "rate": float(rate or 1)})
    return rules
