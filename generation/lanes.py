"""Lanes: one round's open slots shared out over several calls that run at the same time.

A call writes one question after another, so a batch in one call takes as long as all its questions; in
lanes of one question each it takes as long as the longest. Each lane pays for its own user message and
reads the shared prefix from the cache, so lanes are for a student who waits, not for a prefetch.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from typing import TypeVar

from generation.model import Slot

T = TypeVar("T")

Lane = tuple[Slot, ...]


def share_out(slots: Sequence[Slot], lanes: int) -> list[Lane]:
    """At most `lanes` runs of consecutive slots, as even as can be; slots of one passage stay together."""
    bundles = _bundles(slots)
    shared: list[Lane] = []
    left = len(slots)
    lane: list[Slot] = []
    for number, bundle in enumerate(bundles, start=1):
        lane += bundle
        lanes_left = lanes - len(shared)
        must_close = number == len(bundles)
        if must_close or (lanes_left > 1 and len(lane) * lanes_left >= left):
            shared.append(tuple(lane))
            left -= len(lane)
            lane = []
    return shared


def _bundles(slots: Sequence[Slot]) -> list[list[Slot]]:
    """What may not be torn apart: a passage's slots, or a single slot."""
    bundles: list[list[Slot]] = []
    for slot in slots:
        group = slot.passage_group
        if bundles and group is not None and bundles[-1][-1].passage_group == group:
            bundles[-1].append(slot)
        else:
            bundles.append([slot])
    return bundles


def run_lanes(executor: Executor, lanes: Sequence[Lane], work: Callable[[Lane], T]) -> list[T]:
    """What `work` returns for each lane, in their order; the first lane runs on the caller's thread.

    Returns when every lane has ended, and only then raises what one of them raised, or the executor: no lane
    is left running behind the caller's back. Log ids bound to the caller are bound in every lane.
    """
    others: list[Future[T]] = []
    try:
        # Those before a submit that fails are in the list already, and are waited for.
        others.extend(executor.submit(contextvars.copy_context().run, work, lane) for lane in lanes[1:])
        first = work(lanes[0])
    finally:
        for other in others:
            # Not `futures.wait`: that never returns for one that was cancelled by a shutdown.
            with suppress(CancelledError):
                other.exception()
    return [first, *(other.result() for other in others)]
