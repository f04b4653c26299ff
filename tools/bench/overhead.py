"""What we add to a bare SDK stream of the same reply: from the message to the committed row, in one lane.

In rounds of a few batches at once, ours first in one round and the bare client first in the next, so that
whatever troubles the machine troubles both. The simulator forgets between the two and writes the same replies.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from generation.model import Plan, Urgency
from tools.bench.figures import summary
from tools.bench.many_streams import warm
from tools.bench.stage import Stage
from tools.bench.work import bodies_for, one_batch_plans

#: Few enough that nobody waits for the other on two cores.
AT_ONCE = 5
_TIMEOUT_S = 120


class Took(NamedTuple):
    """Seconds."""

    first: float  #: to the first question
    batch: float  #: to the whole batch


def overhead(stage: Stage, rounds: int, *, seed: int) -> list[dict[str, Any]]:
    """A row a figure: the ratios of ours to the bare client's, pair by pair. The stage has one lane."""
    warm(stage)
    ours: list[Took] = []
    bare: list[Took] = []
    for number in range(rounds):
        plans = one_batch_plans(AT_ONCE, seed=seed + AT_ONCE * number)
        if number % 2:
            bare += _bare(stage, plans)
            ours += _ours(stage, plans)
        else:
            ours += _ours(stage, plans)
            bare += _bare(stage, plans)
    pairs = list(zip(ours, bare, strict=True))
    return [
        {"figure": "first question over a bare stream's", **summary([a.first / b.first for a, b in pairs])},
        {"figure": "batch over a bare stream's", **summary([a.batch / b.batch for a, b in pairs])},
        {"figure": "first question later, ms", **summary([1000 * (a.first - b.first) for a, b in pairs], 1)},
        {"figure": "batch later, ms", **summary([1000 * (a.batch - b.batch) for a, b in pairs], 1)},
    ]


def _ours(stage: Stage, plans: Sequence[Plan]) -> list[Took]:
    stage.simulator("reset", {})
    ids = stage.queued(plans, Urgency.INTERACTIVE)
    enqueued = {}
    for session_id in ids:
        enqueued[session_id] = time.time()
        stage.enqueue(session_id, Urgency.INTERACTIVE)
    stage.await_ready(ids, within_s=_TIMEOUT_S)
    committed = {
        session_id: Took(float(first) - enqueued[session_id], float(ready) - enqueued[session_id])
        for session_id, first, ready in stage.query(
            "SELECT session_id, extract(epoch FROM first_question_at), extract(epoch FROM ready_at) "
            "FROM generation.batches WHERE session_id = ANY(%s::uuid[])",
            ids,
        )
    }
    return [committed[session_id] for session_id in ids]


def _bare(stage: Stage, plans: Sequence[Plan]) -> list[Took]:
    stage.simulator("reset", {})
    bodies = bodies_for(plans, stream=True)
    process = stage.python("tools.bench.arms.bare")
    answer, _ = process.communicate("".join(json.dumps(body) + "\n" for body in bodies))
    return [Took(reply["first_s"], reply["batch_s"]) for reply in json.loads(answer)["replies"]]
