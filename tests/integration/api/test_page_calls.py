"""Every call in docs/web-app.md is made, in the order of the page, and answered as the page says."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import httpx2

from tests.integration.api.served import Served, Writer
from tools.stack.processes import PROJECT

PAGE = (PROJECT / "docs" / "web-app.md").read_text("utf-8")
CALLS = re.findall(r"```http\n(.*?)```", PAGE, flags=re.DOTALL)
#: Where another API listens in the page's commands.
ADDRESS = "http://127.0.0.1:8000"


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """Where an answer is not what the page shows. Of a list only the shown items count."""
    if expected == "...":
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            each
            for name, value in expected.items()
            for each in differences(value, found.get(name, f"no {name}"), f"{where}.{name}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) <= len(found):
        pairs = zip(expected, found, strict=False)
        return [each for place, (a, b) in enumerate(pairs) for each in differences(a, b, f"{where}[{place}]")]
    return [] if expected == found else [f"{where}: {expected!r} is shown, {found!r} came"]


def test_the_calls_of_the_page(student: httpx2.Client, writer: Writer) -> None:
    assert len(CALLS) >= 14
    session_id = ""
    with writer.at_work():
        for text in CALLS:
            head, *rest = text.replace("ID", session_id or "ID").strip().split("\n\n")
            (method, path), *headers = (line.split(" ", 1) for line in head.split("\n"))
            *body, shown = rest
            status, _, expected = shown.partition("\n")
            answer = student.request(
                method,
                path.removeprefix("/api"),
                content=body[0] if body else None,
                headers={
                    "Content-Type": "application/json",
                    **{name.rstrip(":"): value for name, value in headers},
                },
            )
            assert answer.status_code == int(status), f"{text}\n{answer.text}"
            assert differences(json.loads(expected), answer.json()) == [], text
            if answer.status_code == 201:
                session_id = answer.json()["id"]


def test_the_commands_at_its_beginning(served: Served, writer: Writer) -> None:
    commands = re.search(r"```\n(curl.*?)```", PAGE, flags=re.DOTALL)
    assert commands is not None
    create, _, follow = commands[1].replace(ADDRESS, served.url).partition("\ncurl")

    made = _shell(create)
    with writer.at_work():
        events = _shell("curl" + follow.replace("ID", json.loads(made)["id"]) + "\n", within_s=5)

    assert "event: question" in events
    assert "event: batch-ready" in events


def _shell(command: str, *, within_s: float = 20) -> str:
    limited = command.replace("curl ", f"curl --max-time {within_s} ", 1)
    return subprocess.run(
        ["bash", "-c", limited], capture_output=True, text=True, timeout=60, check=False
    ).stdout
