"""Chromium over its debugging pipe: pages in any size and colour scheme, and pictures of them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_ANSWERS_WITHIN_S: Final = 60
_LOOK_AGAIN_S: Final = 0.1
_READ_BYTES: Final = 1 << 20


class NoBrowser(Exception):
    """Chromium is missing or does not answer; the message says what to do."""


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at."""

    width: int = 1280
    height: int = 900
    dark: bool = False


class Browser:
    """One Chromium with one tab, from `with` to its end."""

    def __init__(self) -> None:
        program = next((found for found in map(shutil.which, _PROGRAMS) if found), None)
        if program is None:
            raise NoBrowser("Pictures need Chromium: install it (on Debian the package chromium).")
        self._program = program
        self._number = 0
        self._rest = b""
        self._session = ""

    def __enter__(self) -> Self:
        self._home = tempfile.TemporaryDirectory(prefix="tafawoq-pictures-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(  # noqa: S603 -- the browser of this machine
            # Chromium reads and writes its protocol at the numbers 3 and 4.
            ["/bin/sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null', "sh", *self._command()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, "HOME": self._home.name},
        )
        tab = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        self._send("Page.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 -- both are pipes
            pipe.close()
        self._home.cleanup()

    def open(self, url: str, view: View | None = None) -> None:
        """Return when the page is loaded."""
        self.look(view or View())
        self._send("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def look(self, view: View) -> None:
        """Show the page that is open in this size and colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if view.dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self._send("Emulation.setEmulatedMedia", features=[scheme, still])
        size = {"width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": False}
        self._send("Emulation.setDeviceMetricsOverride", **size)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise NoBrowser(f"The page could not do this: {expression}")
        return answer["result"].get("value")

    def wait_for(self, condition: str, *, within_s: float = _ANSWERS_WITHIN_S) -> None:
        """Return when this expression is true. Raises NoBrowser when it does not become true in time."""
        deadline = time.monotonic() + within_s
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise NoBrowser(f"After {within_s:g} s this was not so: {condition}")
            time.sleep(_LOOK_AGAIN_S)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a PNG of what the view shows, or of the `whole` page."""
        answer = self._send("Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole=whole))
        path.write_bytes(base64.b64decode(answer["data"]))

    def _clip(self, *, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self._send("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _command(self) -> list[str]:
        # As root, Chromium runs without its sandbox or not at all.
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        return [
            self._program,
            "--headless",
            "--remote-debugging-pipe",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            f"--user-data-dir={self._home.name}/profile",
            *root,
            "about:blank",
        ]

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        assert self._process.stdin is not None  # noqa: S101 -- a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise NoBrowser(f"Chromium refuses {method}: {answer['error']['message']}.")
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 -- a pipe
        while b"\0" not in self._rest:
            readable, _, _ = select.select([pipe], [], [], _ANSWERS_WITHIN_S)
            more = os.read(pipe.fileno(), _READ_BYTES) if readable else b""
            if not more:
                raise NoBrowser("Chromium ended or does not answer.")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer
