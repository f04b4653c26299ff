"""Limits the event streams that each user has open at this process: an open stream costs memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.errors import ApiError
from api.metrics import ApiMetrics

#: The sentence for a student with their sessions open in too many windows.
TOO_MANY_STREAMS = "هذه الجلسة مفتوحة في نوافذ كثيرة، أغلق بعضها ثم أعد المحاولة."

#: Time for the student to close a window, in seconds.
_RETRY_AFTER_S = 10


class OpenStreams:
    """Counts the open event streams of each user. `per_user`: the most that one user may have; 0: no limit."""

    def __init__(self, per_user: int, metrics: ApiMetrics) -> None:
        self._per_user = per_user
        self._metrics = metrics
        self._open: Counter[UUID] = Counter()

    @contextmanager
    def place_for(self, user_id: UUID) -> Iterator[None]:
        """Count a stream of the user until the block ends. Raises ApiError `too_many_requests`."""
        if 0 < self._per_user <= self._open[user_id]:
            self._metrics.streams_refused.inc()
            raise ApiError("too_many_requests", sentence=TOO_MANY_STREAMS, retry_after_s=_RETRY_AFTER_S)
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]  # no entry remains for a user without streams
