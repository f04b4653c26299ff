"""What is told of rescues and of waste, on histories small enough to count by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tools.chaos.conductor import Struck
from tools.chaos.faults import Kind
from tools.chaos.model import QUEUED, RUNNING, Change, Write
from tools.chaos.rescues import FirstCall, reported, rescue_of
from tools.chaos.waste import KILLED, UNDISTURBED, Reply
from tools.chaos.waste import reported as waste_of

T0 = datetime(2026, 11, 22, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


KILL = Struck(Kind.KILL_WORKER, at(10), at(10), "41")
CALLS = {("s", 0, 2): FirstCall(at(17.5), 1.0)}
HISTORY: list[Change | Write] = [
    Change(1, at(1), "s", 0, 0, QUEUED),
    Change(2, at(2), "s", 0, 1, RUNNING, "host:41", at(15)),
    Write(3, at(5), "insert", "s", 0, 0, 1),
    Change(4, at(16), "s", 0, 1, QUEUED),
    Change(5, at(17), "s", 0, 2, RUNNING, "host:42", at(24)),
    Write(6, at(20), "insert", "s", 0, 1, 2),
]


def test_a_rescue_is_told_step_by_step() -> None:
    rescue = rescue_of(HISTORY, KILL, CALLS)
    assert rescue is not None
    assert rescue.seconds == 10
    assert rescue.beyond_the_first_token_s == 9
    assert [*rescue.phases().values()] == [6, 1, 0.5, 2.5]


def test_a_kill_of_somebody_else_or_of_an_idle_worker_is_no_rescue() -> None:
    assert rescue_of(HISTORY, Struck(Kind.KILL_WORKER, at(10), at(10), "42"), CALLS) is None
    assert rescue_of(HISTORY, Struck(Kind.KILL_WORKER, at(1.5), at(1.5), "41"), CALLS) is None


def test_a_rescue_that_something_else_disturbed_is_not_counted_against_us() -> None:
    again = Struck(Kind.KILL_WORKER, at(18), at(18), "43")
    alone = reported({("s", 0): HISTORY}, CALLS, [KILL], away=[])
    assert alone["rescue_beyond_first_token_s"] == {"n": 1, "p50": 9, "p95": 9, "p99": 9, "max": 9}
    both = reported({("s", 0): HISTORY}, CALLS, [KILL, again], away=[])
    assert (both["rescue_s"]["n"], both["rescue_without_another_fault_s"]["n"]) == (1, 0)
    outage = reported({("s", 0): HISTORY}, CALLS, [KILL], away=[(at(9), at(11))])
    assert outage["rescue_beyond_first_token_s"] == {"n": 0}


def reply(outcome: str, ended_s: float, *, finished: int, kept: int) -> Reply:
    return Reply(outcome, at(ended_s), finished, kept, output=finished * 100 + 30, kept_tokens=kept * 100)


def test_waste_is_added_up_by_how_calls_ended_and_without_what_had_piled_up() -> None:
    found = [
        reply("complete", 5, finished=10, kept=10),
        reply(KILLED, 10, finished=4, kept=4),
        reply(KILLED, 10, finished=3, kept=2),
        reply(KILLED, 60, finished=9, kept=1),
    ]
    frozen = Struck(Kind.FREEZE_WORKER, at(50), at(50), "44")
    reported = waste_of(found, [KILL, frozen], away=[])
    assert reported["complete"]["thrown_away"] == 0
    assert (reported[KILLED]["calls"], reported[KILLED]["thrown_away"]) == (3, 9)
    undisturbed = reported[UNDISTURBED]
    assert (undisturbed["calls"], undisturbed["thrown_away"]) == (2, 1)
    assert (undisturbed["thrown_away_of_one_call"], undisturbed["tokens_paid_again_of_one_call"]) == (1, 130)
