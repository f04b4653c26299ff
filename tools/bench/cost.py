"""What an exam costs at list prices, from the rows of the ledger, against the original's plan and one call.

A whole exam is taken through the API of a fast stack; the ledger says what every call used. The simulator's
questions are longer than the original's estimate, so the output is scaled to that: the same tokens a question
for everybody, and everything else as it was billed, the answer checks included.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2

from generation.model import Track
from generation.plan import plan_exam
from generation.verdicts import Purpose
from providers.profiles import profile_of
from tools.bench.stage import Stage
from tools.bench.work import MODEL
from tools.studies.idle import prefix_costs

#: The original plan: ten calls on Sonnet 4.5 at 2,500 output tokens per ten questions. The output is $0.36 of
#: it; what is left pays for ten reads of a cached prefix, and for no write.
PLAN_USD = Decimal("0.39")
PLAN_TOKENS_A_QUESTION = Decimal(250)
QUESTIONS = 96
TARGET = Decimal("0.75")
THRESHOLD = 0.7
_MILLION = Decimal(1_000_000)
_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Bill:
    """One exam's calls, added up: those that wrote, and what the answer checks cost beside them."""

    calls: int
    input: int
    output: int
    cache_read: int
    write_5m: int
    write_1h: int
    billed_usd: Decimal
    solver_calls: int
    solver_asked: int
    solver_input: int
    solver_output: int
    solver_usd: Decimal

    @property
    def whole_usd(self) -> Decimal:
        return self.billed_usd + self.solver_usd


def cost(stage: Stage) -> list[dict[str, Any]]:
    """A row a way of writing the exam, with its share of the original plan; the first is ours, cache warm."""
    stage.simulator("reset", {})
    cold = take_exam(stage, "scientific")
    warm = take_exam(stage, "scientific")
    return [
        _row("ours, cache warm (a busy hour)", warm),
        _row("ours, cache cold (one alone)", cold),
        _original(),
        _one_shot(),
    ]


def take_exam(stage: Stage, track: str) -> Bill:
    """The bill of a whole exam, each batch wanted at its threshold as for a steady student."""
    with httpx2.Client(
        base_url=f"{stage.stack.api_url}/api/exams",
        headers={"X-User-Id": str(uuid4()), "Prefer": f"wait={_TIMEOUT_S}"},
        timeout=_TIMEOUT_S + 10,
    ) as student:
        session = (
            student.post(f"{stage.stack.api_url}/api/exams", json={"track": track})
            .raise_for_status()
            .json()["id"]
        )
        for batch in plan_exam(Track(track), batch_size=10, seed=1).batches[:-1]:
            due = batch.start + int(batch.size * THRESHOLD)
            student.post(f"/{session}/progress", json={"questionIndex": due}).raise_for_status()
            _await_batch(stage, session, batch.index + 1)
    return _bill(stage, session)


def _bill(stage: Stage, session: str) -> Bill:
    """The arithmetic of the ledger's rows."""
    rows = stage.query(
        "SELECT purpose, count(*), sum(asked), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), "
        "sum(cache_write_5m_tokens), sum(cache_write_1h_tokens), sum(cost_microdollars) "
        "FROM generation.attempts WHERE session_id = %s GROUP BY purpose",
        session,
    )
    sums: dict[str, list[Any]] = {
        purpose: [*map(int, counts), Decimal(cost) / _MILLION] for purpose, *counts, cost in rows
    }
    calls, _, user, output, read, write_5m, write_1h, billed = sums[Purpose.WRITE]
    solver = sums.get(Purpose.SOLVE, [0, 0, 0, 0, 0, 0, 0, Decimal(0)])
    return Bill(
        calls,
        user,
        output,
        read,
        write_5m,
        write_1h,
        billed,
        solver_calls=solver[0],
        solver_asked=solver[1],
        solver_input=solver[2],
        solver_output=solver[3],
        solver_usd=solver[-1],
    )


def _await_batch(stage: Stage, session: str, batch_index: int) -> None:
    """Not by requesting the batch: that would turn the prefetch into a batch that a student waits for."""
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        ready = stage.query(
            "SELECT 1 FROM generation.batches WHERE session_id = %s AND batch_index = %s AND status = 'ready'",
            session,
            batch_index,
        )
        if ready:
            return
        time.sleep(0.1)
    raise TimeoutError(f"Batch {batch_index} was not ready in time.")


def _row(name: str, bill: Bill) -> dict[str, Any]:
    rates = profile_of(MODEL).prices.rates
    output = rates.output * PLAN_TOKENS_A_QUESTION * QUESTIONS / _MILLION
    user = rates.input * bill.input / _MILLION
    reads = rates.cache_read * bill.cache_read / _MILLION
    writes = (rates.cache_write_5m * bill.write_5m + rates.cache_write_1h * bill.write_1h) / _MILLION
    whole = output + user + reads + writes + bill.solver_usd
    return {
        "way": name,
        "calls": bill.calls,
        "input_tokens": bill.input,
        "cache_read_tokens": bill.cache_read,
        "write_5m_tokens": bill.write_5m,
        "write_1h_tokens": bill.write_1h,
        "billed_output_tokens": bill.output,
        "billed_usd": float(bill.whole_usd),
        "solver_calls": bill.solver_calls,
        "solver_questions": bill.solver_asked,
        "solver_input_tokens": bill.solver_input,
        "solver_output_tokens": bill.solver_output,
        "output_usd": float(output),
        "input_usd": float(user),
        "read_usd": float(reads),
        "write_usd": float(writes),
        "solver_usd": float(bill.solver_usd),
        "exam_usd": float(whole),
        "of_plan": float(whole / PLAN_USD),
        "holds": whole <= TARGET * PLAN_USD,
    }


def alone(rows: Sequence[Mapping[str, Any]], *, seed: int) -> list[dict[str, Any]]:
    """What `cost` found, over how busy the hour is."""
    warm = rows[0]
    rest_usd = warm["exam_usd"] - warm["read_usd"] - warm["write_usd"]
    return prefix_costs(rest_usd, float(PLAN_USD), seed=seed)


def _original() -> dict[str, Any]:
    return {
        "way": "the original plan (Sonnet 4.5, its estimate)",
        "calls": 10,
        "exam_usd": float(PLAN_USD),
        "of_plan": 1.0,
    }


def _one_shot() -> dict[str, Any]:
    """All 96 questions in one call without a cache, on our model: what it saves is the repeated input."""
    rates = profile_of(MODEL).prices.rates
    system, wanted = 7_195 + 4_500, 42 * QUESTIONS
    usd = (rates.input * (system + wanted) + rates.output * PLAN_TOKENS_A_QUESTION * QUESTIONS) / _MILLION
    return {
        "way": "one call for all 96, no solver",
        "calls": 1,
        "exam_usd": float(usd),
        "of_plan": float(usd / PLAN_USD),
    }
