"""`make up`: the stack in the foreground until Ctrl-C, its data kept. What dies is started again."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from runtime.api_settings import ApiSettings
from runtime.settings import SettingsError, load
from tools.stack.child import StartFailed
from tools.stack.ports import PortTaken
from tools.stack.stack import Stack, StackOptions
from tools.stack.stack_settings import StackSettings, check_everything
from tools.stack.supervisor import GaveUp, Supervisor


def main() -> int:
    """The exit status: 0 after Ctrl-C or SIGTERM, 1 when a process could not be started again, 2 when the stack did
    not start.
    """
    # SIGINT as well: a script's shell has it ignored by what it puts in the background.
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, _interrupt)
    report = _Report()
    try:
        stack = _prepared(report)
        with stack:
            _say(_addresses(stack))
            Supervisor(stack, report.add).watch()
    except (SettingsError, StartFailed, PortTaken) as err:
        sys.stderr.write(f"{err}\n")
        return 2
    except GaveUp as err:
        sys.stderr.write(f"{err}\n")
        return 1
    except KeyboardInterrupt:
        _say("Stopped.")
        return 0


class _Report:
    """Lines that begin with the seconds since `make up` began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def add(self, text: str) -> None:
        _say(f"{time.monotonic() - self._began:6.1f} s  {text}")


def _prepared(report: _Report) -> Stack:
    settings = load(StackSettings)
    os.environ["TAFAWOQ_ENV"] = settings.tafawoq_env.value
    check_everything()
    options = StackOptions(directory=settings.data_dir.resolve(), flower=True)
    report.add(f"starting, with data and logs in {options.directory}")
    return Stack(settings, options, tell=lambda part: report.add(f"{part} ready"))


def _addresses(stack: Stack) -> str:
    lines = [
        "",
        f"API        {stack.api_url}",
        f"           {stack.api_url}/docs",
        *_demo(stack.api_url),
        f"Flower     {stack.flower_url}",
    ]
    if stack.simulator_url:
        lines.append(
            f"simulator  {stack.simulator_url} (no ANTHROPIC_API_KEY), speed {stack.settings.speed:g}"
        )
    lines.append(f"metrics    api {stack.api_url}/metrics")
    lines += [f"metrics    {name} {url}" for name, url in stack.metrics_urls.items()]
    lines += [
        f"Postgres   {stack.environment['DATABASE_URL']}",
        f"Redis      {stack.environment['REDIS_URL']}",
        f"logs       {stack.logs}",
        f"operator   {_doctor(stack)}",
        "",
        *_first_calls(stack.api_url),
        "",
        "Ctrl-C stops everything; the data stay.",
    ]
    return "\n".join(lines)


def _demo(api_url: str) -> list[str]:
    return [f"demo       {api_url}/demo"] if load(ApiSettings).serves_demo else []


def _first_calls(api_url: str) -> list[str]:
    """Calls to paste, one after another, into another terminal."""
    has_auth = load(ApiSettings).has_auth
    token = ' -H "Authorization: Bearer $TOKEN"' if has_auth else ""
    created = "-H 'Content-Type: application/json' -H 'Prefer: respond-async' -d '{\"track\":\"scientific\"}'"
    return [
        "Create an exam, and see its questions arrive"
        + (", with a student's token in TOKEN:" if has_auth else ":"),
        # The session's id is the first value of the answer.
        f"  EXAM=$(curl -sS {api_url}/api/exams{token} {created} | cut -d '\"' -f 4)",
        f"  curl -sSN {api_url}/api/exams/$EXAM/events{token}",
        f"  curl -sS {api_url}/api/exams/$EXAM{token}",
    ]


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
