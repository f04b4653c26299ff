from __future__ import annotations

import asyncio
from typing import Any

import structlog

from api.told_together import ToldTogether


def test_those_who_end_in_one_round_and_are_told_the_same_share_a_line() -> None:
    lines: list[dict[str, Any]] = []

    async def scenario() -> None:
        together = ToldTogether(lambda event, **fields: lines.append({"event": event, **fields}))
        for request_id, status in (("a", 409), ("b", 409), ("c", 503)):
            together.note(request_id, ms=9, queued_ms=7, status=status)
        assert lines == []
        await asyncio.sleep(0)
        together.note("d", ms=10, queued_ms=8, status=409)
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert [(line["event"], line["status"], line["request_ids"]) for line in lines] == [
        ("requests", 409, ["a", "b"]),
        ("requests", 503, ["c"]),
        ("requests", 409, ["d"]),
    ]
    assert [line["queued_ms"] for line in lines] == [[7, 7], [7], [8]]
    assert [line["ms"] for line in lines] == [[9, 9], [9], [10]]


def test_the_line_does_not_have_the_id_of_the_call_that_began_it() -> None:
    bound: list[dict[str, Any]] = []

    async def scenario() -> None:
        together = ToldTogether(lambda *_, **__: bound.append(structlog.contextvars.get_contextvars()))
        with structlog.contextvars.bound_contextvars(request_id="a"):
            together.note("a", ms=0, queued_ms=0)
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert bound == [{}]
