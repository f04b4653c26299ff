"""How long the model takes for a call, as the simulator at real speed does: for simulations without one."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from generation.lanes import share_out
from generation.model import Slot

TTFT_S, TOKENS_PER_S = 1.0, 100.0
#: What the simulator's own questions take, by whether they share a passage; measured over 24 exams.
TOKENS = {False: (300.0, 31.0), True: (345.0, 85.0)}
#: What the solver answers to a question; measured over 86.
_TOKENS_PER_ANSWER = 90
_JITTER = 0.15
#: Message, claim, commit and waking, as measured by the other benchmarks; and a question that is asked for again.
OVERHEAD_S = 0.1
_ASKED_AGAIN = 0.03


def check_s(questions: int, rng: Random) -> float:
    """How long the answer check on so many questions takes, at the speed of who writes: the solver's is no less."""
    speed = TOKENS_PER_S * rng.lognormvariate(0, _JITTER)
    return TTFT_S * rng.lognormvariate(0, _JITTER) + questions * _TOKENS_PER_ANSWER / speed


def arrivals_s(slots: Sequence[Slot], lanes: int, rng: Random) -> dict[int, float]:
    """When each question of a batch is there, by position, in seconds after the batch was wanted."""
    there: dict[int, float] = {}
    for lane in share_out(slots, lanes):
        speed = TOKENS_PER_S * rng.lognormvariate(0, _JITTER)
        at_s = OVERHEAD_S + TTFT_S * rng.lognormvariate(0, _JITTER)
        for slot in lane:
            mean, spread = TOKENS[slot.passage_group is not None]
            at_s += max(120.0, rng.gauss(mean, spread)) / speed
            there[slot.position] = at_s
    ended_s = max(there.values())
    for position in there:
        if rng.random() < _ASKED_AGAIN:
            there[position] = ended_s + TTFT_S + TOKENS[False][0] / TOKENS_PER_S
    return there
