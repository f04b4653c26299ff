"""What one student sees: the first question, the whole first batch, and how long a commit takes to reach them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2

from generation.model import Urgency
from tools.bench.figures import summary
from tools.bench.many_streams import TOKENS_PER_S, TTFT_S, warm
from tools.bench.stage import Stage
from tools.bench.work import one_batch_plans

#: Students at the same time: each has ten lanes, and two cores are also the simulator's.
AT_ONCE = 2
_TIMEOUT_S = 60
_BETWEEN_MESSAGES_S = 0.25


@dataclass
class Seen:
    """Seconds since the student asked for the exam."""

    session_id: str = ""
    question_s: dict[int, float] = field(default_factory=dict)  #: by position
    event_at: dict[int, float] = field(default_factory=dict)  #: by event number, seconds since the epoch
    ready_s: float = 0.0

    @property
    def first_s(self) -> float:
        return min(self.question_s.values())


def first_batches(stage: Stage, exams: int) -> list[dict[str, Any]]:
    """A row a figure, over so many exams begun through the API and followed by their events."""
    warm(stage)
    with ThreadPoolExecutor(AT_ONCE) as students:
        seen = list(students.map(lambda n: _begin(stage, n), range(exams)))
    return [
        {"figure": "any first question, s", **summary([one.first_s for one in seen])},
        {"figure": "question 1, s", **summary([one.question_s[0] for one in seen])},
        {"figure": "whole first batch, s", **summary([one.ready_s for one in seen])},
        {"figure": "its longest lane at the model, s", **summary(_bounds_s(stage, seen))},
        {"figure": "commit to reader, ms", **summary(_delays_ms(stage, seen), 1)},
    ]


def message_to_model(stage: Stage, messages: int, *, seed: int) -> list[dict[str, Any]]:
    """From enqueuing to the request's arrival at the model, one message at a time."""
    warm(stage)
    ids = stage.queued(one_batch_plans(messages, seed=seed), Urgency.PREFETCH)
    known = len(stage.simulator("requests")["requests"])
    enqueued = []
    for session_id in ids:
        enqueued.append(time.time())
        stage.enqueue(session_id, Urgency.PREFETCH)
        time.sleep(_BETWEEN_MESSAGES_S)
    arrived = arrivals(stage, known)
    stage.await_ready(ids, within_s=_TIMEOUT_S * 2)
    return [{"figure": "message to request at the model, ms", **summary(delays_ms(enqueued, arrived), 1)}]


def arrivals(stage: Stage, known: int) -> list[float]:
    """When each request after the first `known` reached the simulator."""
    return sorted(seen["at"] for seen in stage.simulator("requests")["requests"][known:])


def delays_ms(sent: Sequence[float], arrived: Sequence[float]) -> list[float]:
    return [1000 * (there - before) for before, there in zip(sent, arrived, strict=False)]


def _begin(stage: Stage, number: int) -> Seen:
    headers = {"X-User-Id": str(uuid4())}
    seen = Seen()
    with httpx2.Client(base_url=f"{stage.stack.api_url}/api/exams", headers=headers) as http:
        http.get("/none", timeout=_TIMEOUT_S)  # the connection is there before the clock runs
        began = time.time()
        track = ("scientific", "literary")[number % 2]
        created = http.post(
            f"{stage.stack.api_url}/api/exams", json={"track": track}, headers={"Prefer": "respond-async"}
        ).raise_for_status()
        seen.session_id = created.json()["id"]
        with http.stream("GET", f"/{seen.session_id}/events", timeout=_TIMEOUT_S) as events:
            _follow(events, seen, began)
        http.post(f"/{seen.session_id}/cancel")
    return seen


def _follow(events: httpx2.Response, seen: Seen, began: float) -> None:
    kind, number = "", 0
    for line in events.iter_lines():
        if line.startswith("id:"):
            number = int(line[3:])
        elif line.startswith("event:"):
            kind = line[6:].strip()
        elif line.startswith("data:"):
            now = time.time()
            seen.event_at[number] = now
            if kind == "question":
                seen.question_s[json.loads(line[5:])["index"]] = now - began
            elif kind == "batch-ready":
                seen.ready_s = now - began
                return


def _bounds_s(stage: Stage, seen: Sequence[Seen]) -> list[float]:
    """What each first batch takes the model itself, in lanes on a warm cache."""
    rows = stage.query(
        "SELECT max(output_tokens) FROM generation.attempts WHERE session_id = ANY(%s::uuid[]) AND batch_index = 0 "
        "GROUP BY session_id",
        [one.session_id for one in seen],
    )
    return [TTFT_S + tokens / TOKENS_PER_S for (tokens,) in rows]


def _delays_ms(stage: Stage, seen: Sequence[Seen]) -> list[float]:
    """From the beginning of the writing transaction, so that its commit is included."""
    written: dict[tuple[str, int], datetime] = {
        (str(session), seq): at
        for session, seq, at in stage.query(
            "SELECT session_id, seq, created_at FROM generation.events WHERE session_id = ANY(%s::uuid[]) "
            "AND kind = 'question'",
            [one.session_id for one in seen],
        )
    }
    return [
        1000 * (at - written[one.session_id, seq].timestamp())
        for one in seen
        for seq, at in one.event_at.items()
        if (one.session_id, seq) in written
    ]
