"""`make up`: the stack in the foreground until Ctrl-C, its data kept."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from runtime.child import StartFailed
from runtime.settings import SettingsError, load
from runtime.stack import Stack, StackOptions
from runtime.stack_settings import StackSettings, check_everything
from runtime.tcp import PortTaken

_LOOK_AGAIN_S = 0.5


def main() -> int:
    """The exit status: 0 after Ctrl-C or SIGTERM, 1 when a process ended by itself, 2 when the stack did not start."""
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, _interrupt)
    try:
        stack = _prepared()
        with stack:
            _say(_addresses(stack))
            return _watch(stack)
    except (SettingsError, StartFailed, PortTaken) as err:
        sys.stderr.write(f"{err}\n")
        return 2
    except KeyboardInterrupt:
        _say("Stopped.")
        return 0


def _prepared() -> Stack:
    settings = load(StackSettings)
    os.environ["TAFAWOQ_ENV"] = settings.tafawoq_env.value
    check_everything()
    options = StackOptions(directory=settings.data_dir.resolve(), flower=True)
    return Stack(settings, options, tell=lambda part: _say(f"started {part}"))


def _watch(stack: Stack) -> int:
    while (ended := stack.ended()) is None:
        time.sleep(_LOOK_AGAIN_S)
    sys.stderr.write(f"{ended.name} ended by itself, so everything is stopped. {ended.last_words()}\n")
    return 1


def _addresses(stack: Stack) -> str:
    lines = [f"API        {stack.api_url}", f"Flower     {stack.flower_url}"]
    if stack.simulator_url:
        lines.append(
            f"simulator  {stack.simulator_url} (no ANTHROPIC_API_KEY), speed {stack.settings.speed:g}"
        )
    lines += [f"metrics    {name} {url}" for name, url in stack.metrics_urls.items()]
    lines += [
        f"Postgres   {stack.environment['DATABASE_URL']}",
        f"Redis      {stack.environment['REDIS_URL']}",
        f"logs       {stack.logs}",
        f"operator   {_doctor(stack)}",
        "Ctrl-C stops everything; the data stay.",
    ]
    return "\n".join(lines)


def _doctor(stack: Stack) -> str:
    """The operators' command as another terminal needs it, to be pasted."""
    names = ("TAFAWOQ_ENV", "DATABASE_URL", "REDIS_URL", "SIMULATOR_URL")
    given = [f"{name}={shlex.quote(stack.environment[name])}" for name in names if name in stack.environment]
    program = Path(sys.executable).with_name("tafawoq-worker")
    return " ".join([*given, shlex.quote(str(program)), "doctor"])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
