"""What every request cost, to the last millionth of a dollar: what a ledger is reconciled against."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tools.simulator.left import Left
from tools.simulator.pricing import TokenCounts

KEPT_ENTRIES = 200_000


@dataclass
class BilledDay:
    """What one model cost on one day."""

    requests: int = 0
    cost_microdollars: Decimal = Decimal(0)
    tokens: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, entry: BilledRequest) -> None:
        self.requests += 1
        self.cost_microdollars += entry.cost_microdollars
        for name, count in asdict(entry.tokens).items():
            self.tokens[name] += count


@dataclass(frozen=True, slots=True)
class BilledRequest:
    """One request that began. A request refused before its response began costs nothing and is not here."""

    request_id: str
    message_id: str
    route: str  #: anthropic, openrouter or batch
    model: str
    tokens: TokenCounts
    cost_microdollars: Decimal
    outcome: str  #: complete, or what ended it: client_gone, cut, reset, error_event, no_stop, stalled
    stop_reason: str | None
    lines: int = 0  #: of the reply, whole ones that left
    ended_at: float = 0.0  #: seconds since the epoch
    left: tuple[Left, ...] = ()  #: those lines, when the bill is to be itemized

    def to_json(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id,
            "message_id": self.message_id,
            "route": self.route,
            "model": self.model,
            "outcome": self.outcome,
            "stop_reason": self.stop_reason,
            "lines": self.lines,
            "ended_at": self.ended_at,
            "left": [[line.question, line.tokens] for line in self.left],
            "input": self.tokens.input,
            "cache_read": self.tokens.read,
            "cache_write_5m": self.tokens.write_5m,
            "cache_write_1h": self.tokens.write_1h,
            "output": self.tokens.output,
            "cost_microdollars": str(self.cost_microdollars),
        }


class Bill:
    """Grows by one entry a request; totals are exact even when old entries have been dropped."""

    def __init__(self) -> None:
        self.entries: list[BilledRequest] = []
        self.total_microdollars = Decimal(0)
        self.requests = 0
        self._by_model: dict[str, Decimal] = defaultdict(Decimal)
        self._by_route: dict[str, Decimal] = defaultdict(Decimal)
        self.days: dict[tuple[date, str, str], BilledDay] = defaultdict(BilledDay)  #: by day, route and model

    def add(self, entry: BilledRequest) -> None:
        self.entries.append(entry)
        del self.entries[:-KEPT_ENTRIES]
        self.requests += 1
        self.total_microdollars += entry.cost_microdollars
        self._by_model[entry.model] += entry.cost_microdollars
        self._by_route[entry.route] += entry.cost_microdollars
        self.days[datetime.now(UTC).date(), entry.route, entry.model].add(entry)

    def of_route(self, route: str) -> Decimal:
        return self._by_route.get(route, Decimal(0))

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]  # starting over is what clearing means

    def to_json(self, *, entries: bool = True) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "total_microdollars": str(self.total_microdollars),
            "by_model": {model: str(cost) for model, cost in self._by_model.items()},
            "by_route": {route: str(cost) for route, cost in self._by_route.items()},
            "entries": [entry.to_json() for entry in self.entries[:]] if entries else [],
        }
