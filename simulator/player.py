"""Plays a script to a client: one timer a frame, frames that are due together in one write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from simulator.config import SimulatorConfig
from simulator.http_server import Connection
from simulator.script import PING, Ending, Script

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Played:
    outcome: str
    tokens: int | None  #: output produced; None when the response never began


async def play(
    script: Script,
    connection: Connection,
    config: SimulatorConfig,
    headers: dict[str, str],
    *,
    begun: Callable[[], None],
    settle: Callable[[Played], None],
    done_mark: bool,
) -> None:
    """Send the script at the configured speed until its end or the client's.

    `begun` is called with the first bytes. `settle` is called once, before the client can see how it ended:
    who has read the last event finds the bill complete.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    tokens: int | None = None
    held = b""
    last = len(script.frames) - 1
    for i, frame in enumerate(script.frames):
        due += frame.wait_s / config.speed
        wait = due - loop.time()
        if wait > 0:
            if held:
                await connection.send_chunk(held)
                held = b""
            await asyncio.sleep(wait)
        if connection.gone:
            settle(Played("client_gone", tokens))
            return
        if tokens is None:
            connection.start(200, headers)
            begun()
        tokens = frame.tokens
        held += frame.data
        if i == last:
            settle(Played(script.ending.value, tokens))
            await connection.send_chunk(held)
    await _end(script, connection, config, done_mark=done_mark)


async def _end(script: Script, connection: Connection, config: SimulatorConfig, *, done_mark: bool) -> None:
    match script.ending:
        case Ending.CUT:
            connection.cut()
        case Ending.RESET:
            connection.reset()
        case Ending.STALLED:
            await _stall(script, connection, config)
        case Ending.COMPLETE | Ending.ERROR_EVENT | Ending.NO_STOP:
            if done_mark and script.ending is Ending.COMPLETE:
                await connection.send_chunk(DONE)
            connection.finish()


async def _stall(script: Script, connection: Connection, config: SimulatorConfig) -> None:
    """Pings and nothing else, until the time is over or the client hangs up."""
    left = script.stall_s
    while not connection.gone and (left is None or left > 0):
        await asyncio.sleep(config.ping_s / config.speed)
        left = None if left is None else left - config.ping_s
        await connection.send_chunk(PING)
    connection.cut()
