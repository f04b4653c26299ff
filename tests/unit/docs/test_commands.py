"""Every command of a document can be run: its target, program, subcommand, module or file exists."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from worker.cli import cli

PROJECT = Path(__file__).parents[3]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("clients/*/*.md")])
#: Reports quote commands of their day.
QUOTED = {"CHANGELOG.md"}

_CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_MAKE = re.compile(r"(?:^|[\s;&|(])make ([a-z][\w-]*)")
_MODULE = re.compile(r"python(?:3[.\d]*)? -m ([\w.]+)")
_OPERATOR = re.compile(r"tafawoq-worker ([a-z][\w-]*)")
_PATH = re.compile(r"(?:^|\s)((?:tests|tools|requirements|ops|clients|\.ci)/[\w./*-]+)")

TARGETS = set(re.findall(r"^([a-z][\w-]*)(?: [a-z-]+)*:", (PROJECT / "Makefile").read_text(), re.MULTILINE))
SUBCOMMANDS = set(typer.main.get_command(cli).commands)  # type: ignore[attr-defined]


def code_of(page: Path) -> Iterator[str]:
    for block, inline in _CODE.findall(page.read_text("utf-8")):
        yield block or inline


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in QUOTED],
    ids=lambda page: str(page.relative_to(PROJECT)),
)
def test_every_command_of_a_document_exists(page: Path) -> None:
    code = list(code_of(page))
    unknown = [name for text in code for name in _MAKE.findall(text) if name not in TARGETS]
    unknown += [name for text in code for name in _OPERATOR.findall(text) if name not in SUBCOMMANDS]
    unknown += [name for text in code for name in _MODULE.findall(text) if not _is_module(name)]
    unknown += [path for text in code for path in _PATH.findall(text) if not _is_there(path)]

    assert unknown == []


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _is_there(path: str) -> bool:
    return any(PROJECT.glob(path.rstrip("/.")))


def test_a_command_that_does_not_exist_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Run `make coffee` and `tafawoq-worker brew`:\n```\npython -m tools.cups\n```\n", "utf-8")
    code = " ".join(code_of(page))

    assert _MAKE.findall(code) == ["coffee"]
    assert _OPERATOR.findall(code) == ["brew"]
    assert not _is_module("tools.cups")
    assert {"demo", "up", "install-demo"} <= TARGETS
    assert {"doctor", "cost"} <= SUBCOMMANDS
