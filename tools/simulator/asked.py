"""What a request asks for, read from its last user message: slots, known passages, stems to avoid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.simulator.json_text import decode


@dataclass(frozen=True, slots=True)
class Wanted:
    """One slot that the message asks a question for."""

    slot: int
    type: str
    topic: str
    section: str = ""
    subtopic: str = ""
    difficulty: str = "medium"
    angle: str = ""
    group: int | None = None
    answer: str = ""  #: the planned one of a comparison
    pattern: str = ""  #: of its figure


@dataclass(frozen=True, slots=True)
class Asked:
    wanted: tuple[Wanted, ...] = ()
    passages: dict[int, str] = field(default_factory=dict)  #: known ones, by group
    avoid: tuple[str, ...] = ()  #: earlier stems


def read_asked(text: str) -> Asked:
    """Lines that are JSON objects with a slot or a passage, and lines that begin with "- "; no others."""
    wanted, passages = [], {}
    for line in _objects(text):
        if "slot" in line and "type" in line:
            wanted.append(_wanted(line))
        elif "passage" in line and "group" in line:
            passages[int(line["group"])] = str(line["passage"])
    lines = (line.strip() for line in text.splitlines())
    avoid = tuple(line.removeprefix("- ").strip() for line in lines if line.startswith("- "))
    return Asked(tuple(wanted), passages, avoid)


def last_user_text(body: dict[str, Any]) -> str:
    for message in reversed(body.get("messages") or []):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            return "\n".join(block.get("text", "") for block in content if block.get("type") == "text")
    return ""


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if line.lstrip().startswith("{"):
            try:
                value = decode(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


def _wanted(line: dict[str, Any]) -> Wanted:
    return Wanted(
        slot=int(line["slot"]),
        type=str(line["type"]),
        topic=str(line.get("topic", "")),
        section=str(line.get("section", "")),
        subtopic=str(line.get("subtopic", "")),
        difficulty=str(line.get("difficulty", "medium")),
        angle=str(line.get("angle", "")),
        group=line.get("group"),
        answer=str(line.get("answer", "")),
        pattern=str(line.get("pattern", "")),
    )
