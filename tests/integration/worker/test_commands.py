"""The operators' command, on a real Postgres and the local Claude."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from db.batches import BatchStore
from db.ledger import LedgerStore
from db.sessions import SessionStore
from generation.model import Track
from generation.model_call import AttemptRecord, Usage, UsageSource
from generation.plan import plan_exam
from generation.verdicts import Purpose
from providers.profiles import profile_of
from runtime.settings import DatabaseSettings
from tests.support.attempts import an_attempt
from tools.simulator.bill import BilledRequest
from tools.simulator.faults import Fault
from tools.simulator.pricing import TokenCounts
from tools.simulator.running import RunningSimulator
from worker.cli import cli
from worker.commands.asking import Reading
from worker.commands.check_cache import judge

pytestmark = pytest.mark.usefixtures("same_day")

Tool = Callable[..., Result]

SESSION = UUID(int=5)


@pytest.fixture
def tool(database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Tool:
    """Runs `tafawoq-worker` with these words."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", database.database_url)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=200, jitter=0, today=date(2026, 11, 22)) as simulator:
        monkeypatch.setenv("SIMULATOR_URL", simulator.url)
        yield simulator


def spent(engine: Engine, **changes: Any) -> AttemptRecord:
    call = an_attempt(
        session_id=SESSION,
        accepted=9,
        rejected=1,
        usage=Usage(input=100, output=200, cache_read=300, cache_write_5m=100),
        usage_source=UsageSource.REPORTED,
        cost_microdollars=Decimal("1234567.8905"),
    )
    call = replace(call, **changes)
    LedgerStore(engine).close(call)
    return call


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("session", [str(SESSION), str(UUID(int=6))]),
        ("model", ["claude-sonnet-5-5", "other"]),
        ("provider", ["claude", "openrouter"]),
        ("purpose", ["solve", "write"]),
        ("day", ["today"]),
    ],
)
def test_costs_are_added_up_exactly_by(engine: Engine, tool: Tool, key: str, expected: list[str]) -> None:
    spent(engine)
    spent(engine, cost_microdollars=Decimal("0.0001"))
    spent(
        engine,
        session_id=UUID(int=6),
        provider="openrouter",
        model="other",
        purpose=Purpose.SOLVE,
        cost_microdollars=Decimal(1),
    )
    report = read(tool("cost", "--by", key, "--json"))
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert ["today" if row[key] == today else row[key] for row in report["rows"]] == expected
    assert Decimal(report["costMicrodollars"]) == Decimal("1234568.8906")
    assert sum(Decimal(row["costMicrodollars"]) for row in report["rows"]) == Decimal("1234568.8906")
    assert report["cacheHitRate"] == 0.75


def test_one_session_is_told_batch_by_batch(engine: Engine, tool: Tool) -> None:
    for batch_index in (10, 2):
        spent(engine, batch_index=batch_index)
    spent(engine, session_id=UUID(int=6))
    report = read(tool("cost", "--session", SESSION, "--json"))
    assert [batch["batchIndex"] for batch in report["batches"]] == [2, 10]


def test_what_is_not_known_is_said(engine: Engine, tool: Tool) -> None:
    nothing: dict[str, Any] = {"usage": Usage(), "cost_microdollars": Decimal(0), "outcome": "lost"}
    spent(engine)
    spent(engine, usage_source=UsageSource.COUNTED)
    spent(engine, usage_source=UsageSource.UNKNOWN, **nothing)
    said = tool("cost", "--by", "session").stdout
    assert "In all $2.47, cache hit rate 75.0%" in said
    assert "The cost of 1 calls is unknown" in said
    assert "1 were counted by what we received" in said
    report = read(tool("cost", "--json"))
    assert (report["unknown"], report["rows"][0]["counted"]) == (1, 1)


def test_days_are_whole_days_of_utc(engine: Engine, tool: Tool) -> None:
    call = spent(engine)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE generation.attempts SET opened_at = :at WHERE id = :id"),
            {"at": midnight - timedelta(seconds=1), "id": call.id},
        )
    assert read(tool("cost", "--days", "1", "--json"))["rows"] == []
    assert len(read(tool("cost", "--days", "2", "--json"))["rows"]) == 1


def test_cost_says_what_is_left_of_the_limits(
    engine: Engine, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent(engine, cost_microdollars=Decimal(6_000_000))
    assert "Today $6.00." in tool("cost").stdout
    monkeypatch.setenv("SPEND_LIMIT_DAY_USD", "8")
    monkeypatch.setenv("CLAUDE_MONTH_CAP_USD", "6")
    said = tool("cost").stdout
    assert "Today $6.00, 75.0% of SPEND_LIMIT_DAY_USD=8." in said
    assert "100.0% of CLAUDE_MONTH_CAP_USD=6, and $6.00 a day in the last week." in said
    assert "At this rate the cap lasts for 0.0 days." in said
    assert read(tool("cost", "--json"))["spending"]["claudeCapDaysLeft"] == 0
    assert "spending" not in read(tool("cost", "--session", SESSION, "--json"))


def new_exam(engine: Engine) -> UUID:
    plan = plan_exam(Track.SCIENTIFIC, seed=1, batch_size=10)
    return SessionStore(engine).create(uuid4(), plan).session_id


def test_sessions_and_their_batches_are_listed(engine: Engine, tool: Tool) -> None:
    session_id = new_exam(engine)
    spent(engine, session_id=session_id)
    [listed] = read(tool("sessions", "--json"))
    assert listed["session_id"] == str(session_id)
    shown = read(tool("show", session_id, "--json"))
    assert (shown["batches"][0]["status"], shown["attempts"][0]["accepted"]) == ("queued", 9)
    assert str(session_id) in tool("sessions").stdout
    reported = tool("show", session_id).stdout
    assert "9 of 10 accepted" in reported
    assert "Quality: 0 questions, of which the solver checked 0" in reported
    assert shown["quality"] == {
        "questions": 0,
        "checked": 0,
        "agreed": 0,
        "disputed_kept": 0,
        "rewritten": 0,
        "rejected": shown["attempts"][0]["rejected"],
    }


def test_a_session_that_is_not_there_is_said_so(tool: Tool) -> None:
    result = tool("show", uuid4())
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no session" in result.stderr


def test_a_failed_batch_is_queued_again_unless_its_session_has_cost_enough(
    engine: Engine, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, batches = new_exam(engine), BatchStore(engine)
    assert "has failed" in tool("retry", session_id).stderr
    assert read(tool("sessions", "--failed", "--json")) == []
    claim = batches.claim(session_id, 0, "worker", 30)
    assert claim is not None
    batches.fail(claim, "slots_left_open")
    assert len(read(tool("sessions", "--failed", "--json"))) == 1
    spent(engine, session_id=session_id)
    monkeypatch.setenv("SPEND_LIMIT_SESSION_USD", "1")
    refused = tool("retry", session_id)
    assert refused.exit_code == 1
    assert "SPEND_LIMIT_SESSION_USD=1" in refused.stderr
    monkeypatch.delenv("SPEND_LIMIT_SESSION_USD")
    assert "Batch 0 is queued." in tool("retry", session_id).stdout


def test_a_session_is_closed_for_programs_too(engine: Engine, tool: Tool) -> None:
    session_id = new_exam(engine)
    assert read(tool("cancel", session_id, "--json")) == {"session": str(session_id), "status": "closed"}


def test_every_command_that_tells_something_can_tell_it_to_programs(tool: Tool) -> None:
    commands = ("doctor", "queues", "sessions", "show", "plan", "cost", "reconcile", "retry", "cancel")
    for command in (*((name,) for name in commands), ("check", "claude"), ("check", "cache")):
        assert "--json" in tool(*command, "--help").stdout, command
        assert tool(*command, "--nonsense").exit_code == 2, command


def test_wrong_settings_and_a_missing_server_are_one_sentence(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://x")
    assert (tool("cost").exit_code, "DATABASE_URL" in tool("cost").stderr) == (2, True)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert tool("cost").exit_code == 1


def test_claude_answers_in_arabic(tool: Tool, simulator: RunningSimulator) -> None:
    report = read(tool("check", "claude", "--json"))
    assert report["ok"]
    assert (report["model"], report["lifecycle"], report["warnings"]) == ("claude-sonnet-5-5", "active", [])
    assert Decimal(report["costMicrodollars"]) == simulator.bill().total_microdollars
    assert report["firstTokenSeconds"] <= report["seconds"]
    said = tool("check", "claude")
    assert said.exit_code == 0
    assert "not retired before 2027-09-28" in said.stdout


@pytest.mark.parametrize("key", ["", "sk-ant-hunter2"])
def test_the_simulator_is_never_told_as_claude(
    tool: Tool, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    monkeypatch.setenv("CLAUDE_BASE_URL", simulator.url)
    claude, cache = tool("check", "claude"), tool("check", "cache")

    assert (claude.exit_code, cache.exit_code) == (0, 0)
    assert "The simulator answered, not Claude: no key was checked." in claude.stdout
    assert "Claude answers" not in claude.stdout
    assert "The simulator answered, not Claude: this is its cache." in cache.stdout
    assert read(tool("check", "claude", "--json"))["simulator"] is True
    assert read(tool("check", "cache", "--json"))["simulator"] is True


def test_without_a_key_and_without_a_simulator_a_check_says_what_to_set_or_start(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATOR_URL", "http://127.0.0.1:1")
    for check in ("claude", "cache"):
        said = tool("check", check)
        assert said.exit_code == 1
        assert said.stderr.startswith(
            "ANTHROPIC_API_KEY is not set, and no simulator answers at http://127.0.0.1:1. Set the key, or start"
        )


def test_a_deprecated_model_answers_with_a_warning_that_names_the_day(
    tool: Tool, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_MODEL", "claude-sonnet-4-5")
    said = tool("check", "claude")
    assert said.exit_code == 0
    assert "deprecated" in said.stdout
    assert "2026-11-30" in said.stdout


def test_a_model_that_is_gone_and_a_claude_that_is_down_fail_the_check(
    tool: Tool, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.faults.append(Fault("overloaded"))
    for check in ("claude", "cache"):
        down = tool("check", check)
        assert down.exit_code == 1
        assert "provider_busy" in down.stderr
    monkeypatch.setenv("CLAUDE_MODEL", "claude-sonnet-4-5-20250514")
    gone = tool("check", "claude")
    assert gone.exit_code == 1
    assert "does not exist" in gone.stderr


def test_without_a_key_in_production_nothing_is_asked(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAFAWOQ_ENV", "production")
    for check in ("claude", "cache"):
        assert tool("check", check).exit_code == 2
    assert "ANTHROPIC_API_KEY" in tool("check", "claude").stderr


@pytest.mark.parametrize("section", ["quantitative", "verbal"])
def test_our_prompt_is_written_by_one_call_and_read_by_the_next(
    tool: Tool, simulator: RunningSimulator, section: str
) -> None:
    report = read(tool("check", "cache", "--section", section, "--json"))
    first, second = report["calls"]
    assert report["ok"]
    assert (first["cacheReadTokens"], second["cacheWriteTokens"]) == (0, 0)
    assert second["cacheReadTokens"] == first["cacheWriteTokens"] > 4096
    assert simulator.bill().total_microdollars < 40_000, "a check costs cents"
    warm = tool("check", "cache", "--section", section)
    assert warm.exit_code == 0
    assert "warm already" in warm.stdout


def reading(**changes: Any) -> Reading:
    usage = changes.pop("usage", Usage(input=9, output=16, cache_read=7000))
    made = Reading("claude-sonnet-5-5", "نعم", "end_turn", usage, Decimal(1), 0.5, 1.0, "req_1", None)
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (reading(usage=Usage(input=400)), reading(usage=Usage(input=400)), "caches nothing shorter than 512"),
        (reading(usage=Usage(input=7009)), reading(usage=Usage(input=7009)), "drops `cache_control`"),
        (
            reading(usage=Usage(input=9, cache_write_5m=7000)),
            reading(usage=Usage(input=9, cache_write_5m=7000), cache_miss_reason="system_changed"),
            "system_changed",
        ),
        (
            reading(usage=Usage(input=9, cache_write_5m=7000), duration_s=400.0),
            reading(usage=Usage(input=9, cache_write_5m=7000)),
            "longer than an entry may live",
        ),
        (reading(), reading(usage=Usage(input=9, cache_read=3000)), "gives no reason"),
    ],
)
def test_a_cache_that_does_not_work_is_told_with_its_reason(
    first: Reading, second: Reading, reason: str
) -> None:
    verdict = judge(first, second, profile_of("claude-sonnet-5-5"))
    assert not verdict.holds
    assert reason in verdict.sentence


def billed(simulator: RunningSimulator, cost_microdollars: Decimal, output: int) -> None:
    """Put a call of yesterday on Claude's bill."""
    entry = BilledRequest(
        *("req", "msg", "anthropic", "claude-sonnet-5-5"),
        *(TokenCounts(output=output), cost_microdollars, "client_gone", None),
    )
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    simulator.bill().days[yesterday, "anthropic", "claude-sonnet-5-5"].add(entry)


def spent_yesterday(engine: Engine, cost_microdollars: Decimal) -> None:
    call = spent(engine, cost_microdollars=cost_microdollars)
    with engine.begin() as connection:
        moved = "UPDATE generation.attempts SET opened_at = opened_at - interval '1 day' WHERE id = :id"
        connection.execute(text(moved), {"id": call.id})


def test_what_the_provider_billed_beyond_the_ledger_is_booked_once(
    engine: Engine, tool: Tool, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-ant-admin-secret")
    billed(simulator, Decimal(70), output=7)
    spent_yesterday(engine, Decimal(20))
    found = tool("reconcile", "--days", "2")
    assert found.exit_code == 1
    assert "billed less than a cent more than the calls whose cost the ledger knows" in found.stdout
    assert "--book" in found.stdout
    for _ in range(2):
        assert tool("reconcile", "--days", "2", "--book").exit_code == 0
    report = read(tool("cost", "--json"))
    assert Decimal(report["costMicrodollars"]) + Decimal(report["correctionMicrodollars"]) == 70
    reported = "The providers billed less than a cent more: less than a cent."
    assert reported in tool("cost").stdout


def test_a_ledger_that_agrees_is_said_to_agree(
    engine: Engine, tool: Tool, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-ant-admin-secret")
    billed(simulator, Decimal(70), output=7)
    spent_yesterday(engine, Decimal(70))
    said = tool("reconcile")
    assert said.exit_code == 0, said.output
    assert "to the micro-dollar" in said.stdout


def test_reconciling_needs_a_key_that_may_read_bills(tool: Tool) -> None:
    said = tool("reconcile")
    assert said.exit_code == 2
    assert "ANTHROPIC_ADMIN_KEY" in said.stderr
