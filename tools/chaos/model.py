"""What a history of leases and writes may look like, whatever was killed: checked change by change.

The model of one batch is small: an epoch that only grows by claims, a lease that must be over before
anybody else may claim, writes by the epoch that holds the batch and by no other, and an end that stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

Batch = tuple[str, int]

QUEUED, RUNNING, READY = "queued", "running", "ready"


@dataclass(frozen=True, slots=True)
class Change:
    """A batch's row after a committed change."""

    turn: int  #: the order in which changes of one batch were committed
    at: datetime
    session_id: str
    batch_index: int
    epoch: int
    status: str
    owner: str | None = None
    lease_until: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A committed write of a question: an insert, or what must never happen, an update or a delete."""

    turn: int
    at: datetime
    kind: str
    session_id: str
    batch_index: int
    position: int
    epoch: int | None  #: of the run that made the call


def by_batch(history: Iterable[Change | Write]) -> dict[Batch, list[Change | Write]]:
    """Each batch's part of the history, in the order of its commits."""
    batches: dict[Batch, list[Change | Write]] = defaultdict(list)
    for entry in sorted(history, key=lambda entry: entry.turn):
        batches[entry.session_id, entry.batch_index].append(entry)
    return dict(batches)


def violations(changes: Sequence[Change], writes: Sequence[Write]) -> list[str]:
    """Everything in the history that must not be there; empty for a sound one."""
    found = []
    for (session_id, batch_index), entries in by_batch([*changes, *writes]).items():
        found += [
            f"session {session_id}, batch {batch_index}: {problem}" for problem in _Checker().check(entries)
        ]
    positions: dict[tuple[str, int], int] = defaultdict(int)
    for write in writes:
        positions[write.session_id, write.position] += 1
    found += [f"session {s}: position {p} was written {n} times" for (s, p), n in positions.items() if n > 1]
    return found


class _Checker:
    """Follows one batch through its history."""

    def __init__(self) -> None:
        self._last: Change | None = None

    def check(self, entries: Sequence[Change | Write]) -> Iterator[str]:
        for entry in entries:
            if isinstance(entry, Write):
                yield from self._write(entry)
            else:
                yield from self._change(entry)
                self._last = entry

    def _write(self, write: Write) -> Iterator[str]:
        if write.kind != "insert":
            yield f"the question at {write.position} saw an {write.kind}"
        if self._last is None or self._last.status != RUNNING:
            yield f"position {write.position} was written while nobody ran the batch"
        elif write.epoch != self._last.epoch:
            yield (
                f"position {write.position} was written in epoch {write.epoch}, and {self._last.epoch} held it"
            )

    def _change(self, new: Change) -> Iterator[str]:
        last = self._last
        if last is None:
            if (new.status, new.epoch) != (QUEUED, 0):
                yield f"it began as {new.status} in epoch {new.epoch}"
            return
        if last.status == READY:
            yield f"it was ready and became {new.status}"
        if new.epoch < last.epoch or new.epoch > last.epoch + 1:
            yield f"the epoch went from {last.epoch} to {new.epoch}"
        if new.status == RUNNING and new.epoch != last.epoch:
            yield from _claim(last, new)
        if new.status == RUNNING and new.epoch == last.epoch and last.status != RUNNING:
            yield f"it ran again in the old epoch {new.epoch}"
        if new.status == RUNNING and new.epoch == last.epoch and new.owner != last.owner:
            yield f"epoch {new.epoch} changed its owner"


def _claim(last: Change, new: Change) -> Iterator[str]:
    if last.status == RUNNING and last.lease_until is not None and last.lease_until > new.at:
        yield f"epoch {new.epoch} claimed it while epoch {last.epoch} had its lease"
    if last.status not in {QUEUED, RUNNING}:
        yield f"a {last.status} batch was claimed"
