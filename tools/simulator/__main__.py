"""python -m tools.simulator: a local Claude for the demo, benchmarks and people without a key."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from dataclasses import fields

from tools.simulator.config import SimulatorConfig
from tools.simulator.faults import read_faults
from tools.simulator.server import Simulator, create_app


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Returns 2 when an argument makes no sense."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    host, port, faults = given.pop("host"), given.pop("port"), given.pop("faults")
    config = SimulatorConfig()
    try:
        config.update({name: value for name, value in given.items() if value is not None})
        app = create_app(config)
        app.state.faults.faults.extend(read_faults(faults))
    except ValueError as error:
        parser.error(str(error))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(app, host, port))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 is any free port")
    parser.add_argument("--faults", default="", help="kind:rate,kind:rate or a JSON list of rules")
    for field in fields(SimulatorConfig):
        parser.add_argument(f"--{field.name.replace('_', '-')}", metavar=str(field.type).upper())
    return parser


async def _serve(app: Simulator, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    listener = await app.listen(host, port)
    sys.stdout.write(f"The simulator answers on http://{host}:{listener.port}\n")
    sys.stdout.flush()
    await stopping.wait()
    await listener.close()


if __name__ == "__main__":
    sys.exit(main())
