"""A fifth of all answers say "overloaded": how many calls a success costs, and whether anybody comes back too soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.simulator.state import SeenRequest
from tools.studies.economics.outage import Filled

#: A call that had been picked when the answer came is no retry; on a busy machine the way is long.
_ON_ITS_WAY_S = 0.25
#: The time that was named runs from the answer as its reader got it.
_CLOCKS_DIFFER_S = 0.02


def figures(
    done: Sequence[Filled], requests: Sequence[SeenRequest], retry_after_s: float | None
) -> dict[str, Any]:
    """Over all providers: attempts for each success, and the calls that came before the time that was named."""
    calls = sorted((seen.at, seen.outcome) for seen in requests if seen.path == "/v1/messages")
    attempts = sum(len(filled.providers) for filled in done)
    succeeded = sum(filled.succeeded for filled in done)
    refused = [at for at, outcome in calls if outcome == "overloaded_error"]
    wait_s = retry_after_s or 0.0
    too_soon = {
        at for at, _ in calls for since in refused if _ON_ITS_WAY_S < at - since < wait_s - _CLOCKS_DIFFER_S
    }
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
