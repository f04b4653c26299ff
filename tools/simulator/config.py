"""What can be changed about the simulator, also while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tools.simulator.content.planting import PLANTERS


@dataclass
class SimulatorConfig:
    """Mutable on purpose: a test or an admin call changes a running simulator through it.

    Rates are 0-1 and count per question. Zero limits mean no limit, and then no headers about it.
    """

    seed: int = 1
    speed: float = 1.0  #: simulated seconds in a real one; divides every wait
    ttft_s: float = 1.0  #: median simulated seconds to the first text token
    tokens_per_s: float = 100.0  #: median simulated output speed of one stream
    jitter: float = 0.15  #: relative spread of both
    ping_s: float = 5.0  #: simulated seconds between the pings of a stalled stream
    reject_rate: float = 0.0  #: questions that no validator may accept
    repeat_rate: float = 0.0  #: questions that repeat an earlier one
    missing_rate: float = 0.0  #: slots left out
    surplus_rate: float = 0.0  #: objects for slots that nobody asked for
    broken_rate: float = 0.0  #: lines that are no JSON
    wrong_key_rate: float = 0.0  #: questions whose key is a distractor
    mistaken_declared_rate: float = 0.0  #: of wrong keys: those whose declared expression is as wrong
    undeclared_rate: float = 0.0  #: questions whose expression is left out
    planted_rate: float = 0.0  #: questions with a fault of the labelled set
    planted_kinds: str = (
        ""  #: the kinds of these faults, separated by commas; empty: all that the simulator knows
    )
    impossible_rate: float = 0.0  #: figures that cannot be, or that contradict their question
    wrong_dispute_rate: float = 0.0  #: questions that the solver answers wrongly, drawn at each look
    shared_mistake_rate: float = (
        0.0  #: of the writer's wrong keys, those that the solver takes for right at every look
    )
    same_error_rate: float = 0.25  #: of the solver's errors at a look, those that name the writer's wrong key
    language_doubt_rate: float = 0.0  #: questions in which the solver doubts words
    rpm: int = 0
    itpm: int = 0
    otpm: int = 0
    acceleration_per_s: int = 0  #: more new requests in one second than this are refused
    scaled_clock: bool = False  #: cache lifetimes and limits run `speed` times faster too
    spend_limit_usd: Decimal | None = None
    spend_limit_kind: str = "enforced"  #: enforced, contract, or own
    today: date | None = None  #: what day the model lifecycle believes it is; None is the real one
    new_organization: bool = False  #: deprecated models are closed to it
    batch_s: float = 20.0  #: simulated seconds until a message batch has ended
    refused_key: str = "invalid"  #: the one key that is not accepted
    openrouter_done: bool = True  #: whether OpenRouter streams end with `data: [DONE]`
    openrouter_credit_usd: Decimal | None = None
    itemized: bool = False  #: the bill lists each reply's whole questions, by what tells them apart
    openrouter_activity_today: bool = False  #: the real one tells only of days that are over

    def planted(self) -> tuple[str, ...]:
        """The kinds of faults to plant."""
        return _kinds(self.planted_kinds) or tuple(PLANTERS)

    def current_day(self) -> date:
        return self.today or datetime.now(UTC).date()

    def real_s(self, seconds: float) -> float:
        """Seconds of the clock of limits and lifetimes, as the client waits them."""
        return seconds / self.speed if self.scaled_clock else seconds

    def update(self, changes: dict[str, Any]) -> None:
        """Set the named values, or none of them. Raises ValueError naming the field that is wrong."""
        wanted = {name: _read(name, value) for name, value in changes.items()}
        for name, value in wanted.items():
            setattr(self, name, value)

    def to_json(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) if _is_text(value) else value for name, value in values.items()}


def _kinds(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _is_text(value: object) -> bool:
    return isinstance(value, Decimal | date)


_TYPES = {field.name: str(field.type) for field in fields(SimulatorConfig)}


def _read(name: str, value: Any) -> Any:
    kind = _TYPES.get(name)
    if kind is None:
        raise ValueError(f"The simulator has no setting {name!r}; it has {', '.join(sorted(_TYPES))}.")
    try:
        converted = _convert(kind, value)
    except (TypeError, ValueError, InvalidOperation) as error:
        raise ValueError(f"{name} must be a {kind}, not {value!r}.") from error
    _check(name, converted)
    return converted


def _convert(kind: str, value: Any) -> Any:
    if value is None and kind.endswith("| None"):
        return None
    return _READERS[kind.removesuffix(" | None")](value)


def _read_bool(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() in {"1", "true", "yes"}


def _read_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _read_decimal(value: Any) -> Decimal:
    return Decimal(str(value))


_READERS: dict[str, Callable[[Any], Any]] = {
    "bool": _read_bool,
    "Decimal": _read_decimal,
    "date": _read_date,
    "int": int,
    "float": float,
    "str": str,
}


def _check(name: str, value: Any) -> None:
    if name.endswith("_rate") and not 0 <= value <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, not {value}.")
    if name in {"speed", "tokens_per_s", "ping_s"} and value <= 0:
        raise ValueError(f"{name} must be greater than 0, not {value}.")
    if name == "planted_kinds" and (unknown := set(_kinds(value)) - PLANTERS.keys()):
        raise ValueError(f"planted_kinds has {', '.join(sorted(unknown))}; there are {', '.join(PLANTERS)}.")
    if name == "spend_limit_kind" and value not in {"enforced", "contract", "own"}:
        raise ValueError(f"spend_limit_kind must be enforced, contract or own, not {value!r}.")
