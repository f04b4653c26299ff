"""Scenes in which everything is there, and too slow, too small, held up, or fed with what is not ours."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import redis

from tests.support.alert_drill.load import hurried, reader, students
from tests.support.alert_drill.record import Record
from tests.support.alert_drill.ward import Ward
from tools.stack.child import Child
from tools.stack.processes import Worker

SMALL = Worker("interactive", ("interactive", "prefetch"), concurrency=1)
MORE = Worker("interactive-2", ("interactive", "prefetch"), concurrency=32)
INTERACTIVE = Worker("interactive", ("interactive",), concurrency=16)
PREFETCH = Worker("prefetch", ("interactive", "prefetch"), concurrency=16)

#: The lease lapses in the first; the second is enough to be scraped, and to take new batches.
FROZEN_S, AWAKE_S = 10.0, 4.0
#: As docs/runbook.md says it.
WHO_LOCKS = (
    "SELECT pid, state, query FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND xact_start < now() - interval '10 s'"
)


def too_few_slots(ward: Ward, record: Record) -> None:
    ward.restart_workers(SMALL)
    ward.simulate(speed=2)
    record.calm("QueueFull", "FirstQuestionSlow")
    with students(ward.api_url, 8, hurried):
        record.fault("Eight students, and one worker with `WORKER_CONCURRENCY=1`.")
        record.fires("QueueFull", "FirstQuestionSlow")
        record.remedy("`docker compose up -d --scale worker-interactive=2`, the second with 32 slots")
        ward.start_workers(MORE)
        record.ends("QueueFull", "FirstQuestionSlow")


def no_prefetch(ward: Ward, record: Record) -> None:
    ward.simulate(speed=2)
    with students(ward.api_url, 4, reader(reading_s=20)):
        record.calm("StudentsStall")
        record.fault("The only worker that takes prefetches is killed; four students practise.")
        ward.kill_worker(PREFETCH.name)
        record.fires("StudentsStall")
        record.remedy("`docker compose up -d --scale worker-prefetch=1`")
        ward.start_workers(PREFETCH)
        record.ends("StudentsStall")


def starved_worker(ward: Ward, record: Record) -> None:
    ward.simulate(speed=1)
    ward.restart_workers(INTERACTIVE, PREFETCH, GENERATION_LANES="1")
    with students(ward.api_url, 24, hurried):
        record.calm("LeasesLost")
        record.fault(
            f"A worker gets {AWAKE_S:.0f} s of CPU, then none for {FROZEN_S:.0f} s, again and again."
        )
        with starved(ward.children[INTERACTIVE.name]):
            record.fires("LeasesLost")
        record.remedy("It is given its CPU.")
        record.ends("LeasesLost")


@contextmanager
def starved(child: Child) -> Iterator[None]:
    fed = threading.Event()

    def starve() -> None:
        while not fed.wait(AWAKE_S):
            child.send(signal.SIGSTOP)
            fed.wait(FROZEN_S)
            child.send(signal.SIGCONT)

    thread = threading.Thread(target=starve)
    thread.start()
    try:
        yield
    finally:
        fed.set()
        thread.join()


def locked_table(ward: Ward, record: Record) -> None:
    record.calm("SweepStopped")
    url = ward.environment["DATABASE_URL"]
    with psycopg.connect(url) as careless:
        record.fault("Somebody locks the ledger's table against writes and forgets it.")
        careless.execute("LOCK TABLE generation.attempts IN SHARE ROW EXCLUSIVE MODE")
        record.fires("SweepStopped")
        record.remedy("The session whose transaction is old is ended: `pg_terminate_backend`.")
        with psycopg.connect(url, autocommit=True) as operator:
            for pid, *_ in operator.execute(WHO_LOCKS).fetchall():
                operator.execute("SELECT pg_terminate_backend(%s)", [pid])
        record.ends("SweepStopped")
        careless.close()


def foreign_producer(ward: Ward, record: Record) -> None:
    record.calm("MessagesRefused")
    with redis.Redis.from_url(ward.environment["REDIS_URL"]) as broker:
        record.fault("A producer puts texts on the queue that are no message.")
        for _ in range(3):
            broker.lpush("tafawoq:interactive", b'{"session": 1}')
        record.fires("MessagesRefused")
    record.remedy("The producer is corrected: it stops.")
    record.ends("MessagesRefused")
