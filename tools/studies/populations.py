"""Students as a simulation needs them: how long each question takes them, when they pause, when they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from random import Random

#: Three of ten leave before the end, at any question alike.
LEAVING_A_QUESTION = 1 - 0.7 ** (1 / 96)
SPREAD = 0.4  # of the logarithm of one question's seconds around the student's own
_PAUSES = 0.03
_PAUSE_S = (300.0, 1800.0)


@dataclass(frozen=True, slots=True)
class Population:
    name: str
    pace_s: Callable[[Random], float]  #: a student's median seconds a question
    pauses: float = 0.0  #: the share of questions after which they put the exam aside
    leaves: float = 0.0  #: the share of questions after which they leave for good


@dataclass(frozen=True, slots=True)
class Student:
    """Seconds before each advance, and the last position they see."""

    looks_s: tuple[float, ...]
    last: int


def _always(pace_s: float) -> Callable[[Random], float]:
    return lambda _rng: pace_s


def _anybody(rng: Random) -> float:
    return min(90.0, max(2.0, rng.lognormvariate(log(18), 0.7)))


POPULATIONS = (
    Population("steady, 20 s", _always(20)),
    Population("brisk, 7 s", _always(7)),
    Population("skimming, 3 s", _always(3)),
    Population("pausing, 20 s", _always(20), pauses=_PAUSES),
    Population("leaving, 20 s", _always(20), leaves=LEAVING_A_QUESTION),
    Population("leaving, 3 s", _always(3), leaves=LEAVING_A_QUESTION),
    Population("anybody", _anybody, pauses=_PAUSES / 3, leaves=LEAVING_A_QUESTION),
)


def student(population: Population, questions: int, rng: Random) -> Student:
    pace_s = population.pace_s(rng)
    looks = []
    last = questions - 1
    for position in range(questions):
        look_s = rng.lognormvariate(log(pace_s), SPREAD)
        if rng.random() < population.pauses:
            look_s += rng.uniform(*_PAUSE_S)
        looks.append(look_s)
        if rng.random() < population.leaves:
            last = position
            break
    return Student(tuple(looks), last)
