"""Every compiled pattern of production, and texts that would make a careless one slow."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import api
import db
import generation
import providers
import runtime
import tasks
import worker

PRODUCTION: tuple[ModuleType, ...] = (api, db, generation, providers, runtime, tasks, worker)

#: Flower reads this file as its settings; it holds no pattern, and stops whoever imports it without a password.
NO_MODULES = frozenset({"worker.flowerconfig"})

#: Of any text: what patterns tell apart most often.
_USUAL = ' a1\\":.,;-_=/@\nاé١('
#: Signs of the language of patterns, not of the texts that they are for.
_SYNTAX = "\\?*+{}|^$"
_MOST_LITERALS = 20


def compiled_patterns() -> dict[str, re.Pattern[Any]]:
    """By the module and name under which each is first found."""
    found: dict[tuple[Any, int], str] = {}
    for package in PRODUCTION:
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name in NO_MODULES:
                continue
            module = importlib.import_module(info.name)
            for name, value in vars(module).items():
                if type(value) is re.Pattern:  # isinstance would make Celery's lazy tasks read the settings
                    found.setdefault((value.pattern, value.flags), f"{info.name}.{name}")
    return {name: re.compile(pattern, flags) for (pattern, flags), name in found.items()}


def pumps(pattern: re.Pattern[Any]) -> Iterator[str]:
    """Short texts whose repetition a pattern may be slow on: pairs of its own signs, and its own words."""
    provider = _provider(pattern)
    telemetry = dict.fromkeys([*[sign for sign in provider if sign not in _SYNTAX][:_MOST_LITERALS], *_USUAL])
    yield from telemetry
    yield from (first + second for first, second in itertools.permutations(telemetry, 2))
    for word in re.findall(r"[\w:/@.-]{2,}", provider):
        yield from (word, f"-{word}", f"{word} ", f" {word}")


def repeated(pump: str, length: int, pattern: re.Pattern[Any]) -> Any:
    """The pump again and again, and a last sign that fits nothing."""
    text = pump * (length // len(pump)) + "\0"
    return text if isinstance(pattern.pattern, str) else text.encode()


def _provider(pattern: re.Pattern[Any]) -> str:
    provider: str | bytes = pattern.pattern
    return provider if isinstance(provider, str) else provider.decode()
