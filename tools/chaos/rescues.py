"""From a SIGKILL to the next question by another worker, and where the time between them went."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.chaos import audit
from tools.chaos.conductor import Struck
from tools.chaos.faults import Kind
from tools.chaos.model import QUEUED, RUNNING, Batch, Change, Write

Span = tuple[datetime, datetime]

#: Without the provider's time to its first token.
RESCUED_WITHIN_S = 15.0

#: The call that wrote the first question of each epoch: when it was opened, and when it had its first token.
_FIRST_CALLS = """
SELECT DISTINCT ON (a.session_id, a.batch_index, a.epoch)
  a.session_id::text, a.batch_index, a.epoch, a.opened_at, a.first_token_ms / 1000.0
FROM generation.questions q JOIN generation.attempts a ON a.id = q.attempt_id
ORDER BY a.session_id, a.batch_index, a.epoch, q.created_at
"""

Run = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class FirstCall:
    """Of a run that wrote at least one question."""

    opened_at: datetime
    first_token_s: float | None  #: None when its worker was killed before it could say


@dataclass(frozen=True, slots=True)
class Rescue:
    """One batch that a killed worker held. All moments are the database's."""

    killed_at: datetime
    lapsed_at: datetime  #: found by a sweep, or claimed
    claimed_at: datetime
    question_at: datetime  #: the next one was committed
    call: FirstCall

    @property
    def seconds(self) -> float:
        return (self.question_at - self.killed_at).total_seconds()

    @property
    def beyond_the_first_token_s(self) -> float | None:
        """Without what the provider took to begin."""
        return None if self.call.first_token_s is None else self.seconds - self.call.first_token_s

    def phases(self) -> dict[str, float]:
        """Seconds from one step to the next."""
        steps = {
            "until its lease lapsed and a sweep saw it": self.lapsed_at - self.killed_at,
            "until it was claimed": self.claimed_at - self.lapsed_at,
            "until the provider was asked": self.call.opened_at - self.claimed_at,
            "from there to a committed question": self.question_at - self.call.opened_at,
        }
        return {name: took.total_seconds() for name, took in steps.items()}


def first_calls(url: str) -> dict[Run, FirstCall]:
    rows = audit.rows(url, _FIRST_CALLS)
    return {
        (session, index, epoch): FirstCall(opened, None if token is None else float(token))
        for session, index, epoch, opened, token in rows
    }


def reported(
    histories: Mapping[Batch, Sequence[Change | Write]],
    calls: Mapping[Run, FirstCall],
    struck: Sequence[Struck],
    *,
    away: Sequence[Span],
) -> dict[str, Any]:
    """The figures of all rescues, and of those that nothing else disturbed."""
    found = list(rescues(histories, calls, struck))
    clean = [rescue for rescue in found if not _disturbed(rescue, struck, away)]
    phases = [rescue.phases() for rescue in clean]
    return {
        "rescue_s": quantiles([rescue.seconds for rescue in found]),
        "rescue_without_another_fault_s": quantiles([rescue.seconds for rescue in clean]),
        "rescue_beyond_first_token_s": quantiles(
            [s for rescue in clean if (s := rescue.beyond_the_first_token_s) is not None]
        ),
        "rescue_phases_s": {
            name: quantiles([phase[name] for phase in phases]) for name in (phases[0] if phases else ())
        },
    }


def rescues(
    histories: Mapping[Batch, Sequence[Change | Write]],
    calls: Mapping[Run, FirstCall],
    struck: Sequence[Struck],
) -> Iterator[Rescue]:
    for kill in struck:
        if kill.kind is not Kind.KILL_WORKER:
            continue
        for entries in histories.values():
            rescue = rescue_of(entries, kill, calls)
            if rescue is not None:
                yield rescue


def rescue_of(
    entries: Sequence[Change | Write], kill: Struck, calls: Mapping[Run, FirstCall]
) -> Rescue | None:
    """How the batch went on, if the killed worker was running it; None when it was not, or had all."""
    before = [entry for entry in entries if isinstance(entry, Change) and entry.at <= kill.at]
    if not before or before[-1].status != RUNNING:
        return None
    held = before[-1]
    if held.owner is None or not held.owner.endswith(f":{kill.victim}"):
        return None
    after = [entry for entry in entries if entry.at > kill.at]
    taken = next((e for e in after if isinstance(e, Write) and e.epoch != held.epoch), None)
    if taken is None or taken.epoch is None:
        return None
    changes = [entry for entry in after if isinstance(entry, Change)]
    claimed_at = next(e.at for e in changes if e.status == RUNNING and e.epoch == taken.epoch)
    lapsed_at = next((e.at for e in changes if e.status == QUEUED), claimed_at)
    call = calls[taken.session_id, taken.batch_index, taken.epoch]
    return Rescue(kill.at, min(lapsed_at, claimed_at), claimed_at, taken.at, call)


def _disturbed(rescue: Rescue, struck: Sequence[Struck], away: Sequence[Span]) -> bool:
    hurts = (one for one in struck if one.kind is not Kind.FLUSH_REDIS)
    return any(rescue.killed_at < one.at <= rescue.question_at for one in hurts) or any(
        gone <= rescue.question_at and back >= rescue.killed_at for gone, back in away
    )


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Nearest-rank quantiles, in seconds."""
    ordered = sorted(values)
    if not ordered:
        return {"n": 0}

    def at(share: float) -> float:
        return round(ordered[math.ceil(share * len(ordered)) - 1], 2)

    return {"n": len(ordered), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": round(ordered[-1], 2)}
