"""A fifth of all answers say "overloaded": how many calls a success costs, and whether anybody comes back too soon."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bench.economics.outage import Filled
from simulator.state import SeenRequest

#: A call that was on its way when the answer came is no retry.
_ON_ITS_WAY_S = 0.1


def figures(
    done: Sequence[Filled], requests: Sequence[SeenRequest], retry_after_s: float | None
) -> dict[str, Any]:
    """Over all providers: attempts for each success, and the calls that came before the time that was named."""
    calls = sorted((seen.at, seen.outcome) for seen in requests if seen.path == "/v1/messages")
    attempts = sum(len(filled.providers) for filled in done)
    succeeded = sum(filled.succeeded for filled in done)
    refused = [at for at, outcome in calls if outcome == "overloaded_error"]
    too_soon = [
        following - at
        for (at, outcome), (following, _) in pairwise(calls)
        if outcome == "overloaded_error" and _ON_ITS_WAY_S < following - at < (retry_after_s or 0.0)
    ]
    return {
        "retry_after_s": retry_after_s,
        "attempts": attempts,
        "successes": succeeded,
        "attempts_per_success": round(attempts / max(1, succeeded), 4),
        "calls_to_claude": len(calls),
        "overloaded_share": round(len(refused) / max(1, len(calls)), 3),
        "too_soon": len(too_soon),
        "questions_lost": sum(filled.wanted - filled.questions for filled in done),
        "questions_repeated": sum(filled.repeated for filled in done),
    }
