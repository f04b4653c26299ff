"""Students who take one exam after another until the time is over, and check each finished exam."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

import httpx2

from tools.chaos.students import SIZES, Class
from tools.studies.soak.signing_keys import SigningKeys

_QUESTIONS = 96


@dataclass(kw_only=True)
class LoopingStudents(Class):
    """`exams` students, on one event loop. Each exam belongs to a new user with a signed token."""

    keys: SigningKeys
    until: float = 0.0  #: on the monotonic clock: no batch is asked for after this
    lost: int = 0  #: questions that a finished exam lacks
    twice: int = 0  #: positions that a finished exam has twice

    @property
    def batches(self) -> int:
        return len(self.waits)

    async def _exam(self, api: httpx2.AsyncClient, number: int) -> None:
        await asyncio.sleep(self.starting_s * number / self.exams)
        while time.monotonic() < self.until:
            await self._one_exam(api, ("scientific", "literary")[number % 2])

    async def _one_exam(self, api: httpx2.AsyncClient, track: str) -> None:
        user = {"Authorization": f"Bearer {self.keys.token(str(uuid4()))}"}
        session_id = await self._begin(api, track, user)
        position = 0
        for batch_index, size in enumerate(SIZES[track]):
            if time.monotonic() > self.until:
                return
            await self._take(api, user, session_id, batch_index=batch_index)
            await self._read(api, user, session_id, positions=range(position, position + size))
            position += size
        await self._check(api, user, session_id)
        self.finished += 1

    async def _check(self, api: httpx2.AsyncClient, user: dict[str, str], session_id: str) -> None:
        answer = await self._call(api, "GET", f"/exams/{session_id}", user, None)
        while answer is None or answer.status_code != httpx2.codes.OK:
            await asyncio.sleep(1)
            answer = await self._call(api, "GET", f"/exams/{session_id}", user, None)
        positions = [question["index"] for question in answer.json()["questions"]]
        self.lost += len(set(range(_QUESTIONS)) - set(positions))
        self.twice += len(positions) - len(set(positions))
