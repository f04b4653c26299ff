"""Many batches at once: how long until all are written, what that costs, and what a peer needs for the same.

Every contender gets the same requests, a batch in one call each, against the same simulator without jitter,
so that the bound is exact: a second to the first token, then the reply's own tokens at the model's speed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import psutil
import redis

from generation.model import Urgency
from tools.bench.figures import share, summary
from tools.bench.machine import Meter, Spent
from tools.bench.stage import Stage
from tools.bench.work import bodies_for, one_batch_plans

TTFT_S, TOKENS_PER_S = 1.0, 100.0
#: The usual template's workers; each slot holds one reply at a time.
PREFORK_SLOTS = 8
#: The template needs this many rounds of its slots to show its throughput.
PREFORK_ROUNDS = 2
_TIMEOUT_S = 240


def many_streams(stage: Stage, counts: Sequence[int], *, seed: int) -> list[dict[str, Any]]:
    """A row a contender and number of batches."""
    rows = []
    for count in counts:
        rows.append(ours(stage, count, seed=seed + 1000 * count))
        rows.append(bare(stage, count, seed=seed + 1000 * count))
    return rows


def ours(stage: Stage, count: int, *, seed: int) -> dict[str, Any]:
    """`count` batches on our two workers, from the moment that all their messages have enqueued to the last one ready.

    The workers are held until then: who enqueues is another process, on a machine that has other cores for it.
    """
    warm(stage)
    ids = stage.queued(one_batch_plans(count, seed=seed), Urgency.PREFETCH)
    writes_before = _writes(stage)
    with (
        Meter(stage.worker_pids) as workers,
        Meter([stage.simulator_pid], with_memory=False) as simulator,
        Meter([_postgres_pid(stage)], with_memory=False) as postgres,
    ):
        with stage.workers_held():
            for session_id in ids:
                stage.enqueue(session_id, Urgency.PREFETCH)
        began = time.time()
        stage.await_ready(ids, within_s=_TIMEOUT_S)
    writes = {name: after - writes_before[name] for name, after in _writes(stage).items()}
    times = stage.query(
        "SELECT extract(epoch FROM b.started_at) - %s, extract(epoch FROM b.first_question_at) - %s, "
        "extract(epoch FROM b.ready_at) - %s, count(*), sum(a.output_tokens) "
        "FROM generation.batches b JOIN generation.attempts a USING (session_id, batch_index) "
        "WHERE a.purpose = 'write' AND b.session_id = ANY(%s::uuid[]) GROUP BY b.session_id, b.batch_index",
        *[began] * 3,
        ids,
    )
    rows = [[float(value) for value in row] for row in times]
    # A batch whose reply left a slot open took two calls, one after the other.
    bounds = [calls * TTFT_S + tokens / TOKENS_PER_S for *_, calls, tokens in rows]
    return {
        "contender": "ours",
        "batches": count,
        "calls": sum(round(row[3]) for row in rows),
        "last_begun_s": max(row[0] for row in rows),
        **_completion(took=[row[2] for row in rows], first=[row[1] for row in rows], bounds=bounds),
        **_cost(workers.spent, count),
        "simulator_cpu_s": simulator.spent.cpu_s,
        "postgres_cpu_s": postgres.spent.cpu_s,
        "writes": {name: value / (10 * count) for name, value in writes.items()},
    }


def bare(stage: Stage, count: int, *, seed: int) -> dict[str, Any]:
    """The same replies read by a bare asyncio client in one process: the limit."""
    warm(stage)
    bodies = bodies_for(one_batch_plans(count, seed=seed), stream=True)
    with Meter([stage.simulator_pid], with_memory=False) as simulator:
        process = stage.python("tools.bench.arms.bare")
        answer, _ = process.communicate("".join(json.dumps(body) + "\n" for body in bodies))
    report = json.loads(answer)
    replies = report["replies"]
    bounds = [TTFT_S + reply["tokens"] / TOKENS_PER_S for reply in replies]
    return {
        "contender": "bare asyncio SDK",
        "batches": count,
        **_completion(
            took=[reply["batch_s"] for reply in replies],
            first=[reply["first_s"] for reply in replies],
            bounds=bounds,
        ),
        **_cost(Spent(report["cpu_s"], report["peak_mb"], 0), count),
        "deltas_a_batch": sum(reply["deltas"] for reply in replies) / count,
        "simulator_cpu_s": simulator.spent.cpu_s,
    }


def template(stage: Stage, kind: str, interpreter: str, *, seed: int) -> dict[str, Any]:
    """The prefork template (kind plain or instructor): its throughput, and from that what 500 would take."""
    warm(stage)
    count = PREFORK_SLOTS * PREFORK_ROUNDS
    bodies = bodies_for(one_batch_plans(count, seed=seed), stream=True)
    broker = redis.Redis.from_url(stage.stack.environment["REDIS_URL"])
    broker.delete("bench:reports")
    stage.stack.environment["PEER"] = kind
    process = stage.python(
        "celery",
        *("-A", "tools.bench.arms.template", "worker", "-P", "prefork", "-c", str(PREFORK_SLOTS)),
        *("-Q", "template", "--without-gossip", "--without-mingle", "-l", "ERROR"),
        interpreter=interpreter,
    )
    try:
        _await_children(process.pid)
        with Meter([process.pid]) as meter:
            began = time.time()
            _send_to_template(stage, bodies)
            reports = _reports(broker, count)
    finally:
        process.terminate()
        process.wait(30)
    took = [report["ended"] - began for report in reports]
    served = [report["ended"] - report["began"] for report in reports]
    return {
        "contender": f"prefork, {'one reply' if kind == 'plain' else 'instructor stream'}",
        "batches": count,
        "all_s": max(took),
        "first_median_s": summary([report["first"] - report["began"] for report in reports])["median"],
        "batch_median_s": summary(served)["median"],
        "slots": PREFORK_SLOTS,
        **_cost(meter.spent, count),
        "computed_500_s": 500 / PREFORK_SLOTS * summary(served)["median"],
        "computed_500_slots_mb": meter.spent.start_mb + (500 / PREFORK_SLOTS - 1) * meter.spent.peak_mb,
    }


def warm(stage: Stage) -> None:
    """Forget what was asked before, and write the shared prefix once, so that nobody pays for being first.

    By a batch of ours, in a hurry: our workers wait for the first of them where they know of none.
    """
    stage.simulator("reset", {})
    stage.simulator("config", {"speed": 100})
    ids = stage.queued(one_batch_plans(1, seed=999_983), Urgency.PREFETCH)
    stage.enqueue(ids[0], Urgency.PREFETCH)
    stage.await_ready(ids, within_s=_TIMEOUT_S)
    stage.simulator("config", {"speed": 1})


def _completion(*, took: Sequence[float], first: Sequence[float], bounds: Sequence[float]) -> dict[str, Any]:
    return {
        "all_s": max(took),
        "bound_s": max(bounds),
        "all_over_bound": max(took) / max(bounds),
        "mean_over_bound": sum(took) / sum(bounds),
        "p99_over_bound": share([t / b for t, b in zip(took, bounds, strict=True)], 0.99),
        "first_median_s": summary(first)["median"],
        "batch_median_s": summary(took)["median"],
    }


def _cost(spent: Spent, count: int) -> dict[str, Any]:
    return {
        "cpu_ms_a_batch": 1000 * spent.cpu_s / count,
        "peak_mb": spent.peak_mb,
        "mb_a_stream": max(0.0, spent.peak_mb - spent.start_mb) / count if spent.start_mb else None,
    }


def _writes(stage: Stage) -> dict[str, float]:
    """Counters of the database: bytes of log, rows written, commits."""
    [(wal,)] = stage.query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
    stage.query("SELECT pg_stat_force_next_flush()")
    [(inserted, updated, hot)] = stage.query(
        "SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_hot_upd) FROM pg_stat_user_tables"
    )
    [(commits,)] = stage.query("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    [(size,)] = stage.query("SELECT coalesce(sum(octet_length(content::text)), 0) FROM generation.questions")
    counted = {
        "wal_bytes": wal,
        "rows_inserted": inserted,
        "rows_updated": updated,
        "hot_updates": hot,
        "commits": commits,
        "question_bytes": size,
    }
    return {name: float(value) for name, value in counted.items()}


def _postgres_pid(stage: Stage) -> int:
    """The server's own process; its backends are its children."""
    [(directory,)] = stage.query("SHOW data_directory")
    return next(
        int(process.pid)
        for process in psutil.process_iter(["name", "cmdline"])
        if directory in (process.info["cmdline"] or []) and "postgres" in (process.info["name"] or "")
    )


def _await_children(pid: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if len(psutil.Process(pid).children(recursive=True)) >= PREFORK_SLOTS:
            time.sleep(1)
            return
        time.sleep(0.1)
    raise TimeoutError("The prefork worker did not start its slots.")


def _send_to_template(stage: Stage, bodies: Sequence[dict[str, Any]]) -> None:
    from celery import Celery

    sender = Celery("sender", broker=stage.stack.environment["REDIS_URL"])
    for number, body in enumerate(bodies):
        sender.send_task(
            "bench.template",
            kwargs={"key": str(number), "body": body},
            queue="template",
            ignore_result=True,
        )


def _reports(broker: redis.Redis, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        if broker.llen("bench:reports") >= count:
            return [json.loads(line) for line in broker.lrange("bench:reports", 0, -1)]
        time.sleep(0.1)
    raise TimeoutError("The template did not finish its batches.")
