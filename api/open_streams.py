"""How many event streams each user has open at this process: a stream costs memory for as long as it is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.errors import ApiError
from api.metrics import ApiMetrics

#: What a student is told who follows their sessions in too many windows.
TOO_MANY_STREAMS = "هذه الجلسة مفتوحة في نوافذ كثيرة، أغلق بعضها ثم أعد المحاولة."

#: Soon enough for whoever closed a window; whoever did not is told again.
_RETRY_AFTER_S = 10


class OpenStreams:
    """Places for event streams: so many a user. 0: no limit."""

    def __init__(self, per_user: int, metrics: ApiMetrics) -> None:
        self._per_user = per_user
        self._metrics = metrics
        self._open: Counter[UUID] = Counter()

    @contextmanager
    def place_for(self, user_id: UUID) -> Iterator[None]:
        """Hold one of the user's places until the block ends. Raises Refusal `too_many_requests`."""
        if 0 < self._per_user <= self._open[user_id]:
            self._metrics.streams_refused.inc()
            raise ApiError("too_many_requests", sentence=TOO_MANY_STREAMS, retry_after_s=_RETRY_AFTER_S)
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]  # nothing is kept of those who have left
