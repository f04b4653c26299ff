"""Students who take a whole exam each, at a pace, and who ask again whatever the API answers."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2

#: Batch sizes of the two tracks; the tests of the plan pin them.
SIZES = {
    "scientific": (10, 10, 10, 10, 10, 7, 10, 10, 10, 9),
    "literary": (10, 10, 9, 10, 10, 10, 10, 10, 10, 7),
}
_WAIT_S = 10
_ASK_AGAIN_S = 0.5
_THRESHOLD = 0.5  # begins to report before the prefetch is due, as a browser does


@dataclass(frozen=True, slots=True)
class Waited:
    """From when a student wanted a batch to when they had it."""

    session_id: str
    batch_index: int
    asked_at: datetime
    got_at: datetime

    @property
    def seconds(self) -> float:
        return (self.got_at - self.asked_at).total_seconds()


@dataclass
class Class:
    """All students of a run, on one event loop."""

    url: str
    exams: int
    pace_s: float  #: from one question to the next
    starting_s: float  #: over which they begin
    waits: list[Waited] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    finished: int = 0

    async def sit(self) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=50)
        async with httpx2.AsyncClient(base_url=f"{self.url}/api", timeout=_WAIT_S + 10, limits=limits) as api:
            await asyncio.gather(*(self._exam(api, number) for number in range(self.exams)))

    async def _exam(self, api: httpx2.AsyncClient, number: int) -> None:
        await asyncio.sleep(self.starting_s * number / self.exams)
        track = ("scientific", "literary")[number % 2]
        user = {"X-User-Id": str(uuid4())}
        session_id = await self._begin(api, track, user)
        position = 0
        for batch_index, size in enumerate(SIZES[track]):
            await self._take(api, user, session_id, batch_index=batch_index)
            await self._read(api, user, session_id, positions=range(position, position + size))
            position += size
        self.finished += 1

    async def _begin(self, api: httpx2.AsyncClient, track: str, user: dict[str, str]) -> str:
        headers = user | {"Idempotency-Key": str(uuid4()), "Prefer": "respond-async"}
        while True:
            answer = await self._call(api, "POST", "/exams", headers, {"track": track})
            if answer is not None and answer.status_code == httpx2.codes.CREATED:
                return str(answer.json()["id"])
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _take(
        self, api: httpx2.AsyncClient, user: dict[str, str], session_id: str, *, batch_index: int
    ) -> None:
        asked_at = datetime.now(UTC)
        headers = user | {"Prefer": f"wait={_WAIT_S}"}
        path, body = f"/exams/{session_id}/questions", {"batchIndex": batch_index}
        while True:
            answer = await self._call(api, "POST", path, headers, body)
            if answer is not None and answer.status_code == httpx2.codes.OK:
                break
            await asyncio.sleep(_ASK_AGAIN_S)
        self.waits.append(Waited(session_id, batch_index, asked_at, datetime.now(UTC)))

    async def _read(
        self, api: httpx2.AsyncClient, user: dict[str, str], session_id: str, *, positions: Sequence[int]
    ) -> None:
        tells_from = positions[math.floor(_THRESHOLD * len(positions))]
        for position in positions:
            await asyncio.sleep(self.pace_s)
            if position >= tells_from:
                await self._call(
                    api, "POST", f"/exams/{session_id}/progress", user, {"questionIndex": position}
                )

    async def _call(
        self, api: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str], body: Any
    ) -> httpx2.Response | None:
        try:
            answer = await api.request(method, path, headers=headers, json=body)
        except httpx2.HTTPError as err:
            self.answers[type(err).__name__] += 1
            return None
        self.answers[f"{answer.status_code}{_code(answer)}"] += 1
        return answer


def _code(answer: httpx2.Response) -> str:
    """What the API calls its refusal; a process that is being ended may have no words of its own left."""
    if answer.status_code < httpx2.codes.BAD_REQUEST:
        return ""
    if "json" not in answer.headers.get("content-type", ""):
        return " without a code"
    return f" {answer.json().get('code')}"
