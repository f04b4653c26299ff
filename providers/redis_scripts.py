"""Scripts in a Redis that all workers share, and that may be away: an answer comes quickly, or not at all.

Nothing is lost with an answer: the caller goes on without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import resources
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

#: Called with keys and arguments. Returns integers, byte strings or lists of them; None when Redis does not answer.
Script = Callable[..., Any]

#: After a failure nobody asks for this long, so that a Redis that is away costs its timeout once, not always.
_LEFT_ALONE_S = 1.0
#: Of one process at the same time; an answer takes a millisecond, a connection for every thread costs more.
_AT_ONCE = 16
_LONGEST_QUEUE_S = 0.25


class RedisScripts:
    """One Redis, as far as it answers. Safe to use from many threads."""

    def __init__(self, redis: Redis, *, prefix: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._away = False
        self._left_alone_until = 0.0

    def script(self, name: str) -> Script:
        """The script `lua/<name>.lua` of this package; nothing is sent yet."""
        text = resources.files("providers").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
        return partial(self._ask, self._redis.register_script(text))

    def _ask(self, script: Callable[..., Any], keys: Sequence[str], *args: str | float) -> Any | None:
        if not self._may_ask() or not self._places.acquire(timeout=_LONGEST_QUEUE_S):
            return None
        try:
            answer = script(keys=[f"{self._prefix}{key}" for key in keys], args=args)
        except RedisError as err:
            self._note_away(err)
            return None
        finally:
            self._places.release()
        if self._away:
            self._note_back()
        return answer

    def _may_ask(self) -> bool:
        if not self._away:
            return True
        with self._lock:
            if self._clock() < self._left_alone_until:
                return False
            self._left_alone_until = self._clock() + _LEFT_ALONE_S  # one thread looks, the others go on
            return True

    def _note_away(self, error: RedisError) -> None:
        with self._lock:
            is_news, self._away = not self._away, True
            self._left_alone_until = self._clock() + _LEFT_ALONE_S
        if is_news:
            log.warning("redis_unreachable", error=type(error).__name__)

    def _note_back(self) -> None:
        with self._lock:
            is_news, self._away = self._away, False
        if is_news:
            log.info("redis_reachable")


def script_or_none(scripts: RedisScripts | None, name: str) -> Script:
    """The script of this name; without `scripts` one that always returns None, as when Redis is away."""
    return scripts.script(name) if scripts else lambda _keys, *_args: None


def in_ms(seconds: float) -> int:
    """Time as the scripts count it."""
    return round(seconds * 1000)
