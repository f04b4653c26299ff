"""A reply to parse, cut as it comes, and our parser's time for it. Needs no package that only benchmarks need."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random

from bench.work import one_batch_plans, prompt_for
from generation.parser import QuestionParser
from simulator.asked import read_asked
from simulator.config import SimulatorConfig
from simulator.reply import write_reply

DELTA_CHARS = (20, 120)  #: as recorded from the real API
ROUNDS = 15

Pieces = Sequence[str]


def reply() -> str:
    """A batch of ten as the simulator writes it."""
    [plan] = one_batch_plans(1, seed=7)
    return write_reply(read_asked(prompt_for(plan).user), SimulatorConfig(), "bench")


def cut(text: str, chars: tuple[int, int] = DELTA_CHARS) -> list[str]:
    rng = Random(1)
    pieces, at = [], 0
    while at < len(text):
        length = rng.randint(*chars)
        pieces.append(text[at : at + length])
        at += length
    return pieces


def ours(pieces: Pieces) -> int:
    parser = QuestionParser()
    found = 0
    for piece in pieces:
        found += len(parser.feed(piece))
    return found


def took_us(work: Callable[[], object]) -> float:
    """CPU time of the median of some rounds: what else runs on the machine does not count."""
    return 1e6 * statistics.median(_rounds(work))


def _rounds(work: Callable[[], object]) -> Iterable[float]:
    work()
    for _ in range(ROUNDS):
        began = time.thread_time()
        work()
        yield time.thread_time() - began
