"""Lanes: the open slots of one round, divided among several calls that run at the same time.

A call writes its questions one after another, so one call for a batch takes the time of all its questions;
lanes of one question each take the time of the longest. Each lane pays for its own user message and reads the
shared prefix from the cache. Lanes are therefore used when a student waits, and not for a prefetch.
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
    """Groups of consecutive slots, as even as possible; slots of one passage stay together.

    At most `lanes`; one more where a batch has slots of both sections, because a call asks for one section.
    """
    bundles = _bundles(slots)
    shared: list[Lane] = []
    left = len(slots)
    lane: list[Slot] = []
    for number, bundle in enumerate(bundles, start=1):
        lane += bundle
        lanes_left = lanes - len(shared)
        must_close = number == len(bundles) or bundles[number][0].section is not lane[0].section
        if must_close or (lanes_left > 1 and len(lane) * lanes_left >= left):
            shared.append(tuple(lane))
            left -= len(lane)
            lane = []
    return shared


def divide(lanes: Sequence[Lane], is_apart: Callable[[Slot], bool]) -> tuple[list[Lane], list[Lane]]:
    """The same slots in lanes of which the first ones hold only slots that are apart; passages stay whole."""
    apart, others = [], []
    for lane in lanes:
        bundles = _bundles(lane)
        parts = [bundle for bundle in bundles if all(map(is_apart, bundle))]
        rest = [bundle for bundle in bundles if bundle not in parts]
        apart += [tuple(slot for bundle in parts for slot in bundle)] if parts else []
        others += [tuple(slot for bundle in rest for slot in bundle)] if rest else []
    return apart, others


def _bundles(slots: Sequence[Slot]) -> list[list[Slot]]:
    """The smallest groups that stay together: the slots of a passage, or a single slot."""
    bundles: list[list[Slot]] = []
    for slot in slots:
        group = slot.passage_group
        if bundles and group is not None and bundles[-1][-1].passage_group == group:
            bundles[-1].append(slot)
        else:
            bundles.append([slot])
    return bundles


def run_lanes(executor: Executor, lanes: Sequence[Lane], work: Callable[[Lane], T]) -> list[T]:
    """The results of `work` in the order of the lanes; the first lane runs on the caller's thread.

    Returns or raises only when every lane has ended, so no lane keeps running afterwards. Raises what a lane or
    the executor raised. Every lane inherits the caller's context variables, such as bound log ids.
    """
    others: list[Future[T]] = []
    try:
        # If a submit fails, the lanes before it are already in the list, and are waited for.
        others.extend(executor.submit(contextvars.copy_context().run, work, lane) for lane in lanes[1:])
        first = work(lanes[0])
    finally:
        for other in others:
            # Not `futures.wait`: it never returns for a future that a shutdown cancelled.
            with suppress(CancelledError):
                other.exception()
    return [first, *(other.result() for other in others)]
