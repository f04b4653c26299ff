"""The limit: a bare asyncio SDK client that reads the same streams and does nothing with them.

Reads request bodies as JSON lines, prints one JSON line: when each reply's first question and its end came,
and what the process cost. No parser, no check, no database: nothing that writes exams can be faster.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from typing import Any

import anthropic


async def main() -> None:
    bodies = [json.loads(line) for line in sys.stdin]
    client = anthropic.AsyncAnthropic(
        api_key="simulator",
        base_url=os.environ["SIMULATOR_URL"],
        max_retries=0,
        timeout=120,
        http_client=anthropic.DefaultAsyncHttpxClient(
            limits=anthropic.DEFAULT_CONNECTION_LIMITS.__class__(
                max_connections=1000, max_keepalive_connections=1000
            )
        ),
    )
    one_by_one = "--one-by-one" in sys.argv
    began = time.time()
    if one_by_one:
        replies = [await _read(client, body) for body in bodies]
    else:
        replies = await asyncio.gather(*(_read(client, body) for body in bodies))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "replies": replies,
                "took_s": time.time() - began,
                "cpu_s": used.ru_utime + used.ru_stime,
                "peak_mb": used.ru_maxrss / 1024,
            }
        )
    )


async def _read(client: anthropic.AsyncAnthropic, body: dict[str, Any]) -> dict[str, Any]:
    began = time.time()
    first: float | None = None
    tokens = deltas = 0
    async with await client.messages.create(**body) as events:
        async for event in events:
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                deltas += 1
                if first is None and "\n" in event.delta.text:
                    first = time.time() - began
            elif event.type == "message_delta":
                tokens = event.usage.output_tokens
    return {"first_s": first, "batch_s": time.time() - began, "tokens": tokens, "deltas": deltas}


asyncio.run(main())
