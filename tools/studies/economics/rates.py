"""Twice what the rate limits allow: what gets through, what is refused, and how a student fares meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from generation.cancellation import CancellationSignal
from generation.errors import ProviderBusy, ProviderError, ProviderThrottled
from generation.model import Track, Urgency
from generation.model_call import Prompt, StreamEnded
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from providers.fallback import OrderedFallback
from tools.studies.economics.fleet import Site, chains_of, spread

_FIRST_BATCH = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What arrives, of all processes together. Seconds of a shared wall clock."""

    first_batches_per_s: float
    prefetch_calls_per_s: float
    begins_at: float
    ends_at: float
    seed: int
    backlog: int = 0  #: prefetches that wait already when it begins
    prefetch_threads: int = 48  #: of each process


@dataclass(frozen=True, slots=True)
class Done:
    """One call, or one first batch, on its way through."""

    kind: str  #: first_batch, call
    urgency: str
    sent_at: float  #: wall clock
    took_s: float
    outcome: str
    output: int = 0
    counted_input: int = 0
    status: int = 0


def offer(site: Site, load: Load) -> list[Done]:
    """Everything that was tried until the load ended."""
    return spread(site, _offer, load)


def _offer(site: Site, number: int, load: Load) -> list[Done]:
    with chains_of(site) as chains:
        worker = _Worker(site, number, load, chains)
        return worker.work()


class _Worker:
    def __init__(self, site: Site, number: int, load: Load, chains: Sequence[OrderedFallback]) -> None:
        self._share = max(1, site.processes)
        self._load = load
        self._chains = chains
        self._rng = random.Random(f"{load.seed}:{number}")
        self._done: list[Done] = []
        self._lock = threading.Lock()
        self._served = 0
        plan = plan_exam(Track.SCIENTIFIC, batch_size=_FIRST_BATCH, seed=load.seed + number)
        slots = plan.slots_of(plan.batches[0])
        self._prompts = [build_prompt(track=Track.SCIENTIFIC, slots=[slot], passages={}) for slot in slots]

    def work(self) -> list[Done]:
        time.sleep(max(0.0, self._load.begins_at - time.time()))
        threads = self._load.prefetch_threads if self._load.prefetch_calls_per_s else 0
        with (
            ThreadPoolExecutor(threads + 32) as prefetching,
            ThreadPoolExecutor(40) as students,
            ThreadPoolExecutor(200) as lanes,
        ):
            for index in range(threads):
                prefetching.submit(self._prefetch, self._chains[index % len(self._chains)])
            sat = [students.submit(self._first_batch, lanes, at) for at in self._arrivals()]
            wait(sat)
        return self._done

    def _arrivals(self) -> Iterable[float]:
        load, at = self._load, self._load.begins_at
        while load.first_batches_per_s:
            at += self._rng.expovariate(load.first_batches_per_s / self._share)
            if at >= load.ends_at:
                return
            yield at

    def _first_batch(self, lanes: ThreadPoolExecutor, at: float) -> None:
        time.sleep(max(0.0, at - time.time()))
        fallback, began = self._rng.choice(self._chains), time.monotonic()
        calls = [lanes.submit(self._call, fallback, prompt, Urgency.INTERACTIVE) for prompt in self._prompts]
        outcomes = [call.result() for call in calls]
        whole = all(done.outcome == "complete" for done in outcomes)
        took_s = time.monotonic() - began
        self._note(Done("first_batch", "interactive", at, took_s, "complete" if whole else "not_whole"))

    def _prefetch(self, fallback: OrderedFallback) -> None:
        """Serve the backlog, as long as more has arrived than was served."""
        load = self._load
        while (now := time.time()) < load.ends_at:
            arrived = load.backlog + (now - load.begins_at) * load.prefetch_calls_per_s
            with self._lock:
                due = self._served < arrived / self._share
                self._served += due
            if not due:
                time.sleep(0.01)
                continue
            done = self._call(fallback, self._rng.choice(self._prompts), Urgency.PREFETCH)
            if done.outcome == ProviderThrottled.code:
                with self._lock:
                    self._served -= 1  # it waits in Postgres, and comes back
                time.sleep(min(done.took_s, max(0.0, load.ends_at - time.time())))

    def _call(self, fallback: OrderedFallback, prompt: Prompt, urgency: Urgency) -> Done:
        provider, began, sent = fallback.providers[0], time.monotonic(), list[float]()
        note_sent = lambda: sent.append(time.time())  # noqa: E731  a name for what it does
        try:
            with provider.stream(
                prompt, CancellationSignal(), urgency=urgency, before_sending=note_sent
            ) as events:
                ends = [event for event in events if isinstance(event, StreamEnded)]
        except ProviderError as err:
            pause_s = (err.retry_after_s or 0.0) if isinstance(err, ProviderBusy) else 0.0
            return self._note(Done("call", urgency, time.time(), pause_s, err.code, status=err.status or 0))
        usage = ends[0].usage
        return self._note(
            Done(
                "call",
                urgency,
                sent[0],
                time.monotonic() - began,
                "complete",
                output=usage.output,
                counted_input=usage.input + usage.cache_written,
                status=200,
            )
        )

    def _note(self, done: Done) -> Done:
        with self._lock:
            self._done.append(done)
        return done


def figures(done: Sequence[Done], *, window: tuple[float, float], limits: dict[str, int]) -> dict[str, Any]:
    """Of the window: each limit's share that was used well, and what was refused."""
    begin, end = window
    minutes = (end - begin) / 60
    calls = [item for item in done if item.kind == "call" and begin <= item.sent_at < end]
    sent = [call for call in calls if call.outcome != ProviderThrottled.code]
    well = [call for call in sent if call.outcome == "complete"]
    used = {
        "rpm": len(well),
        "itpm": sum(call.counted_input for call in well),
        "otpm": sum(call.output for call in well),
    }
    refused = sum(call.status == 429 for call in sent)  # noqa: PLR2004 - too many requests
    return {
        "seconds": round(end - begin, 1),
        "requests": len(sent),
        "refused_429": refused,
        "refused_share": refused / max(1, len(sent)),
        "throttled_by_us": len(calls) - len(sent),
        "goodput": {name: used[name] / (limits[name] * minutes) for name in limits},
    }


def latencies(done: Sequence[Done], *, window: tuple[float, float]) -> dict[str, Any]:
    """Of first batches that arrived within the window. Seconds."""
    begin, end = window
    batches = [item for item in done if item.kind == "first_batch" and begin <= item.sent_at < end]
    took = sorted(item.took_s for item in batches)
    cuts = quantiles(took, n=20, method="inclusive") if len(took) > 1 else took * 19
    return {
        "batches": len(took),
        "whole": sum(item.outcome == "complete" for item in batches),
        "mean_s": round(sum(took) / max(1, len(took)), 3),
        "p50_s": round(cuts[9], 3) if took else None,
        "p95_s": round(cuts[18], 3) if took else None,
    }
