"""Plays a script to a client: one timer a frame, frames that are due together in one write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tools.simulator.config import SimulatorConfig
from tools.simulator.http_server import Connection
from tools.simulator.script import PING, Ending, Frame, Script

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Played:
    """How a stream ended, and what had left by then."""

    outcome: str
    tokens: int | None  #: of output; None when the response never began
    lines: int = 0


async def play(
    script: Script,
    connection: Connection,
    config: SimulatorConfig,
    headers: dict[str, str],
    *,
    arrived: float,
    begun: Callable[[], None],
    settle: Callable[[Played], None],
    done_mark: bool,
) -> None:
    """Send the script at the configured speed until its end or the client's.

    Its first wait counts from when the request had `arrived`, on the loop's clock: to begin the reply is
    part of what a model needs to its first token, also when many requests come at once.
    `begun` is called with the first bytes. `settle` is called once, before the client can see how it ended:
    who has read the last event finds the bill complete.
    """
    loop = asyncio.get_running_loop()
    due = arrived
    left: Frame | None = None
    held: list[Frame] = []
    for frame in script.frames:
        due += frame.wait_s / config.speed
        wait = due - loop.time()
        if wait > 0:
            if held:
                await connection.send_chunk(b"".join(one.data for one in held))
                left, held = held[-1], []
            await asyncio.sleep(wait)
        if connection.gone:
            settle(_played("client_gone", left))
            return
        if left is None and not held:
            connection.start(200, headers)
            begun()
        held.append(frame)
    settle(_played(script.ending.value, held[-1]))
    await connection.send_chunk(b"".join(one.data for one in held))
    await _end(script, connection, config, done_mark=done_mark)


def _played(outcome: str, left: Frame | None) -> Played:
    return Played(outcome, None) if left is None else Played(outcome, left.tokens, left.lines)


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
