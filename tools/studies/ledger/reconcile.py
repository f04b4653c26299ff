"""Compares the ledger with the simulator's bill, call by call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, Row, select

from db.corrections import CorrectionStore
from db.ledger import LedgerStore
from db.tables import attempts
from generation.model_call import UsageSource
from generation.verdicts import Purpose
from providers.billing_reports import reading_billing_reports
from runtime.settings import BillingReportSettings, ClaudeSettings, Environment, OpenRouterSettings
from tools.simulator.bill import BilledRequest
from tools.simulator.running import RunningSimulator
from worker.commands.reconcile import differences

ZERO = Decimal(0)


@dataclass
class Group:
    """Calls that ended alike and whose usage is known in the same way."""

    outcome: str
    usage_source: str
    calls: int = 0
    accepted: int = 0
    ledger: Decimal = ZERO  #: micro-dollars
    bill: Decimal = ZERO

    @property
    def is_flagged(self) -> bool:
        """The ledger itself says that it does not know the cost, or not exactly."""
        return self.usage_source in {UsageSource.UNKNOWN, UsageSource.ESTIMATED}


@dataclass
class Comparison:
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  #: attempts of which ledger and bill say different things
    strangers: list[str] = field(default_factory=list)  #: billed requests of which the ledger has no name
    nameless: int = 0  #: calls flagged that saw no answer, so that they have no request id
    lines_lost: int = 0  #: whole questions that left the provider and were neither kept nor judged

    @property
    def calls(self) -> int:
        return sum(group.calls for group in self.groups.values())

    @property
    def known(self) -> list[Group]:
        return [group for group in self.groups.values() if not group.is_flagged]

    @property
    def flagged(self) -> list[Group]:
        return [group for group in self.groups.values() if group.is_flagged]

    @property
    def holds(self) -> bool:
        """To the micro-dollar, for every single call; and nothing lost.

        A billed request without a row must be one of the calls that are flagged and have no name: its reply
        had begun when we gave up waiting for it.
        """
        return not self.wrong and not self.lines_lost and len(self.strangers) <= self.nameless


def compare(engine: Engine, bill: Iterable[BilledRequest]) -> Comparison:
    """Every row of the ledger beside the line of the bill with its request id."""
    billed = {_name(entry): entry for entry in bill}
    found = Comparison()
    with engine.connect() as connection:
        for row in connection.execute(select(attempts).order_by(attempts.c.opened_at)):
            _add(found, row, billed.pop(row.request_id, None))
    found.strangers = sorted(billed)
    return found


def _name(entry: BilledRequest) -> str:
    """What the provider's support would know the call by."""
    return entry.message_id if entry.route == "openrouter" else entry.request_id


def _add(found: Comparison, row: Row[Any], entry: BilledRequest | None) -> None:
    key = (row.outcome, row.usage_source)
    group = found.groups.setdefault(key, Group(*key))
    bill = ZERO if entry is None else entry.cost_microdollars
    group.calls += 1
    group.accepted += row.accepted
    group.ledger += row.cost_microdollars
    group.bill += bill
    found.nameless += group.is_flagged and row.request_id is None
    if not group.is_flagged and row.cost_microdollars != bill:
        found.wrong.append(str(row.id))
    if entry is not None and row.purpose == Purpose.WRITE:
        found.lines_lost += max(0, entry.lines - row.accepted - row.rejected)


def reconciled(engine: Engine, simulator: RunningSimulator) -> dict[str, Decimal]:
    """Micro-dollars of the ledger, of the corrections that its operator books, and of the bill."""
    simulator.config.openrouter_activity_today = True  # or we would have to wait for midnight
    store, today = CorrectionStore(engine), datetime.now(UTC).date()
    since, until = today - timedelta(days=1), today + timedelta(days=1)
    reading = reading_billing_reports(
        BillingReportSettings.model_validate(
            {"anthropic_admin_key": "sk-ant-admin-bench", "openrouter_management_key": "management"}
        ),
        ClaudeSettings.model_validate(
            {"tafawoq_env": Environment.DEVELOPMENT, "claude_base_url": simulator.url}
        ),
        OpenRouterSettings(openrouter_base_url=simulator.openrouter_url),
    )
    with reading as statements:
        store.book(since, until, statements, differences(store, statements, since, until))
    return {
        "ledger": LedgerStore(engine).spent(),
        "corrections": store.booked(since, until),
        "bill": simulator.bill().total_microdollars,
    }


def as_json(found: Comparison) -> dict[str, Any]:
    """Amounts are exact decimals in text."""
    return {
        "holds": found.holds,
        "calls": found.calls,
        "ledgerMicrodollars": str(sum((group.ledger for group in found.known), ZERO)),
        "billMicrodollars": str(sum((group.bill for group in found.known), ZERO)),
        "flagged": {
            "ledgerMicrodollars": str(sum((group.ledger for group in found.flagged), ZERO)),
            "calls": sum(group.calls for group in found.flagged),
            "billMicrodollars": str(sum((group.bill for group in found.flagged), ZERO)),
        },
        "wrong": found.wrong,
        "billedButNeverNoted": found.strangers,
        "questionsLost": found.lines_lost,
        "groups": [
            {
                "outcome": group.outcome,
                "usageSource": group.usage_source,
                "calls": group.calls,
                "accepted": group.accepted,
                "ledgerMicrodollars": str(group.ledger),
                "billMicrodollars": str(group.bill),
            }
            for _, group in sorted(found.groups.items())
        ],
    }
