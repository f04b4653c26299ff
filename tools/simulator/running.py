"""A simulator in a thread of this process, for tests and benchmarks."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any, Self

from tools.simulator.bill import Bill
from tools.simulator.config import SimulatorConfig
from tools.simulator.faults import Fault
from tools.simulator.server import create_app
from tools.simulator.state import SeenRequest


class RunningSimulator:
    """Listens on a free port of 127.0.0.1 while the block runs.

    `config` may be changed at any moment; `faults` too. `bill()` and `requests` show what has happened.
    """

    def __init__(self, config: SimulatorConfig | None = None, *, port: int = 0, **changes: Any) -> None:
        self.config = config or SimulatorConfig()
        self.config.update(changes)
        self._app = create_app(self.config)
        self._port = port
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def openrouter_url(self) -> str:
        """What a client of OpenRouter takes as its base address."""
        return f"{self.url}/api"

    @property
    def faults(self) -> list[Fault]:
        """The rules in force; append to it, or clear it."""
        return self._app.state.faults.faults

    @property
    def requests(self) -> list[SeenRequest]:
        """The latest message requests, oldest first."""
        return self._app.state.requests[:]

    @property
    def open_streams(self) -> int:
        return self._app.state.open_streams

    @property
    def peak_streams(self) -> int:
        return self._app.state.peak_streams

    def bill(self) -> Bill:
        return self._app.state.bill

    def reset(self) -> None:
        """Forget bill, cache, faults and requests; keep the configuration."""
        self._app.state.reset()

    def start(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise RuntimeError("The simulator could not listen.") from self._failure
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            listener = await self._app.listen("127.0.0.1", self._port)
        except OSError as error:
            self._failure = error
            return
        finally:
            if self._failure is not None:
                self._ready.set()
        self._port = listener.port
        self._ready.set()
        await self._stopping.wait()
        await listener.close()
