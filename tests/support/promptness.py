"""Promises of milliseconds, on a machine that does much else: slow once may be the machine, three times it is ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")

TRIES = 3


class TooSlow(AssertionError):
    """The promise was not kept in this try."""


def require_within(limit_s: float, since: float) -> None:
    """Raises TooSlow when more than `limit_s` has passed since this moment of the monotonic clock."""
    took_s = time.monotonic() - since
    if took_s >= limit_s:
        raise TooSlow(f"it took {took_s:.3f} s, and may take {limit_s} s")


def in_the_quickest_of_three(test: Callable[P, None]) -> Callable[P, None]:
    """The test passes when one try of three is quick enough; any other failure counts at once."""

    @wraps(test)
    def tried(*args: P.args, **kwargs: P.kwargs) -> None:
        for _ in range(TRIES - 1):
            with suppress(TooSlow):
                return test(*args, **kwargs)
        return test(*args, **kwargs)

    return tried
