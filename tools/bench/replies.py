"""A reply to parse, cut as it comes, and our parser's time for it. Needs no package that only benchmarks need."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random

from generation.parser import QuestionParser
from tools.bench.work import one_batch_plans, prompt_for
from tools.simulator.asked import read_asked
from tools.simulator.config import SimulatorConfig
from tools.simulator.reply import write_reply

DELTA_CHARS = (20, 120)  #: as recorded from the real API
ROUNDS = 15
#: A short reply is parsed more often: a machine that is slow for ten milliseconds must not decide.
_AT_LEAST_S = 0.25

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
    """CPU time of the median of many rounds: what else runs on the machine does not count."""
    return 1e6 * statistics.median(_rounds(work))


def _rounds(work: Callable[[], object]) -> Iterable[float]:
    work()
    rounds, spent_s = 0, 0.0
    while rounds < ROUNDS or spent_s < _AT_LEAST_S:
        began = time.thread_time()
        work()
        took_s = time.thread_time() - began
        yield took_s
        rounds, spent_s = rounds + 1, spent_s + took_s
