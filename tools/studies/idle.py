"""What the shared prefix costs an exam, by how many exams there are in an hour, and which lifetime pays.

An event simulation: exams begin at random, and each comes back for its next batch when its student is
nearly through with one. Between calls an entry may lapse, and then it is written again. The lifetime is
chosen by production's own rule from the idle spells that were seen before, counted as in warm_began.lua.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean
from typing import Any

from generation.model import Section
from generation.prompts.blocks import system_blocks
from providers.cache_warmup import TTL_S, WarmUpRules, cheaper_ttl
from providers.messages import CacheTtl
from providers.profiles import profile_of
from tools.bench.work import MODEL
from tools.simulator.tokens import count_tokens

#: An exam takes its student an hour and a half.
PACE_S = 60.0
EXAMS_AN_HOUR = (0.0, 0.5, 1.0, 2.0, 5.0, 20.0)
_LANES, _BATCHES, _QUANTITATIVE = 10, 10, 6
_DAY_S, _DAYS = 8 * 3600, 15
_FADES = 0.8
_RATES = profile_of(MODEL).prices.rates
_MICRO = 1e-6


@dataclass
class _Entry:
    """One level of the prefix, as the provider keeps it and as the workers remember it."""

    tokens: int
    used_at: float | None = None
    warm_until: float = -1.0
    ttl: CacheTtl = "1h"
    minutes: float = 0.0
    hours: float = 0.0

    def use(self, now: float, ttl: CacheTtl) -> float:
        """Read or write it, whichever it takes; returns the price in micro-dollars."""
        write = float(_RATES.cache_write_1h if ttl == "1h" else _RATES.cache_write_5m)
        price = self.tokens * (float(_RATES.cache_read) if now < self.warm_until else write)
        if self.used_at is not None:
            self._note(now - self.used_at)
        self.used_at, self.ttl = now, ttl
        self.warm_until = now + TTL_S[ttl] - WarmUpRules().margin_s
        return price

    def _note(self, idle_s: float) -> None:
        if idle_s <= TTL_S["5m"]:
            return
        self.minutes, self.hours = self.minutes * _FADES, self.hours * _FADES
        if idle_s <= TTL_S["1h"]:
            self.minutes += 1
        else:
            self.hours += 1


def prefix_costs(rest_usd: float, plan_usd: float, *, seed: int) -> list[dict[str, Any]]:
    """A row a rate: the prefix in dollars an exam by lifetime, and the exam as a share of the plan with ours.

    `rest_usd` is all of an exam but its prefix. No exams an hour: one alone, on a day that begins cold.
    """
    rows = []
    for rate in EXAMS_AN_HOUR:
        five, hour, ours = (_prefix_usd(rate, ttl, seed) for ttl in ("5m", "1h", None))
        rows.append(
            {
                "exams_an_hour": rate or "one alone",
                "prefix_5m_usd": five,
                "prefix_1h_usd": hour,
                "prefix_chosen_usd": ours,
                "exam_of_plan": (rest_usd + ours) / plan_usd,
            }
        )
    return rows


def _prefix_usd(rate: float, fixed: CacheTtl | None, seed: int) -> float:
    """The mean over days that begin cold and know of no idle spell."""
    return mean(_day(_begun(rate, Random(f"{seed}:{day}")), fixed) for day in range(_DAYS))


def _begun(rate: float, rng: Random) -> list[float]:
    if not rate:
        return [0.0]
    starts, now = [], rng.expovariate(rate / 3600)
    while now < _DAY_S:
        starts.append(now)
        now += rng.expovariate(rate / 3600)
    return starts or [0.0]


def _day(starts: Sequence[float], fixed: CacheTtl | None) -> float:
    """Dollars an exam."""
    scripts = _Entry(count_tokens(system_blocks(Section.QUANTITATIVE)[0].text))
    own = {section: _Entry(_tokens(section) - scripts.tokens) for section in Section}
    price = 0.0
    for now, section, lanes in sorted(_calls(starts)):
        levels = (scripts, own[section])
        if any(now >= level.warm_until for level in levels):
            ttl = fixed or cheaper_ttl(levels[-1].minutes, levels[-1].hours, _RATES)
        else:
            ttl = levels[-1].ttl
        for level in levels:
            price += level.use(now, ttl)
            price += (lanes - 1) * level.tokens * float(_RATES.cache_read)
    return price * _MICRO / len(starts)


def _tokens(section: Section) -> int:
    return sum(count_tokens(block.text) for block in system_blocks(section))


def _calls(starts: Sequence[float]) -> Iterator[tuple[float, Section, int]]:
    """When, for which section, in how many lanes."""
    for start in starts:
        yield start, Section.QUANTITATIVE, _LANES
        for batch in range(1, _BATCHES):
            section = Section.QUANTITATIVE if batch < _QUANTITATIVE else Section.VERBAL
            yield start + (10 * batch - 3) * PACE_S, section, 1
