"""Claude dies in mid-stream and comes back: who writes meanwhile, what is lost, and how soon all is as before."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from generation.model import Track, Urgency
from generation.plan import plan_exam
from generation.run_batch import READY
from providers.breaker_rules import BreakerRules
from providers.fallback import OrderedFallback
from tools.simulator.faults import Fault
from tools.simulator.state import SeenRequest
from tools.studies.economics.fleet import Memory, Site, chains_of, claim_of, run, spread

#: Every reply of Claude's breaks off after two questions, in turn in each of the ways there are.
DEATH = tuple(
    Fault(kind, route="anthropic", after_questions=2, rate=rate)
    for kind, rate in (("cut", 0.34), ("reset", 0.5), ("error_event", 1.0))
)
_PAUSE_S = 0.2
#: A call to Claude later than this after the opening is a probe.
_FIRST_OPEN_S = BreakerRules().first_open_s


@dataclass(frozen=True, slots=True)
class Outage:
    """Seconds of a shared wall clock."""

    begins_at: float
    ends_at: float  #: of the whole exam session
    students: int  #: of each process
    seed: int
    urgency: Urgency = Urgency.PREFETCH  #: a prefetch is one call, in which much can break off


@dataclass(frozen=True, slots=True)
class Filled:
    """One batch, as its student got it."""

    ready: bool
    questions: int
    wanted: int
    repeated: int
    providers: tuple[str, ...]  #: of its complete or broken calls, in order
    succeeded: int  #: calls among them
    ended_at: float


def sit(site: Site, outage: Outage) -> list[Filled]:
    """Every batch that was asked for, one after another by each student, until the exam session ends."""
    return spread(site, _sit_all, outage)


def _sit_all(site: Site, number: int, outage: Outage) -> list[Filled]:
    with (
        chains_of(site) as chains,
        ThreadPoolExecutor(outage.students * 10) as lanes,
        ThreadPoolExecutor(outage.students) as students,
    ):
        time.sleep(max(0.0, outage.begins_at - time.time()))
        exam_sessions = [
            students.submit(
                _sit, chains[index % len(chains)], outage, f"{outage.seed}:{number}:{index}", lanes
            )
            for index in range(outage.students)
        ]
        return [filled for exam_session in exam_sessions for filled in exam_session.result()]


def _sit(fallback: OrderedFallback, outage: Outage, seed: str, lanes: ThreadPoolExecutor) -> list[Filled]:
    rng, done = random.Random(seed), []
    while time.time() < outage.ends_at:
        plan, memory = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=rng.randrange(2**31)), Memory()
        batch = plan.batches[0]
        ready = False
        for _ in range(50):
            claim = claim_of(
                plan, batch, memory, Urgency.PREFETCH
            )  # one call a batch: two questions, then death
            ready = run(fallback, claim, memory, lanes).outcome == READY
            if ready:
                break
            time.sleep(_PAUSE_S)
        stems = {question.fingerprint for question in memory.questions.values()}
        done.append(
            Filled(
                ready,
                len(memory.questions),
                batch.size,
                memory.repeated + len(memory.questions) - len(stems),
                tuple(attempt.provider for attempt in memory.attempts),
                sum(attempt.outcome == "complete" for attempt in memory.attempts),
                time.time(),
            )
        )
    return done


def figures(
    done: Sequence[Filled],
    requests: Sequence[SeenRequest],
    *,
    died_at: float,
    opened_at: float | None,
    recovered_at: float,
) -> dict[str, Any]:
    """What was lost, and the two ways: there, and back. `opened_at` is when Redis first said so."""
    claude = sorted((seen.at, seen.outcome) for seen in requests if seen.path == "/v1/messages")
    dead = [at for at, _ in claude if died_at <= at < recovered_at]
    back = [at for at, outcome in claude if at >= recovered_at and outcome == "complete"]
    opened_at = opened_at or recovered_at
    after = [at - opened_at for at in dead if at > opened_at]
    return {
        "batches": len(done),
        "not_ready": sum(not filled.ready for filled in done),
        "questions_lost": sum(filled.wanted - filled.questions for filled in done),
        "questions_repeated": sum(filled.repeated for filled in done),
        "batches_by_both": sum(len(set(filled.providers)) > 1 for filled in done),
        "dead_for_s": round(recovered_at - died_at, 1),
        "calls_to_the_dead": len(dead),
        "opened_after_s": round(opened_at - died_at, 2),
        "switched_after_s": round(max((at for at in after if at < _FIRST_OPEN_S), default=0.0), 3),
        "probes_at_s": [round(at, 1) for at in after if at >= _FIRST_OPEN_S],
        "good_calls_after_recovery_at_s": [round(at - recovered_at, 1) for at in back[:3]],
        "back_after_s": round(back[0] - recovered_at, 1) if back else None,
    }
