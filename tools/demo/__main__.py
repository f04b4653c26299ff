"""`python -m tools.demo`: the whole system on this machine, and a student who takes an exam through its API."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from runtime.settings import PlanSettings, SettingsError, load
from tools.demo.bill import NoBill, bill_of
from tools.demo.costs import CostWatch
from tools.demo.pace import MODELS_OWN, NoPace, set_speed
from tools.demo.report import Report, report_on
from tools.demo.screen import screen_for
from tools.demo.settings import DemoSettings
from tools.demo.shape import exam_shape
from tools.demo.student import Student, StudentGaveUp
from tools.stack.child import StartFailed
from tools.stack.ports import PortTaken
from tools.stack.stack import MADE_UP_STUDENTS, Stack, StackOptions
from tools.stack.stack_settings import check_everything

_STACK_NEVER_STOOD = (SettingsError, StartFailed, PortTaken)


def main() -> int:
    """The exit status: 0 when everything held, 1 when something did not, 2 when the stack did not start."""
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="tafawoq-demo-"))
    keep_logs = True
    try:
        keep_logs = not _demonstrate(directory)
    except _STACK_NEVER_STOOD as err:
        print(err, file=sys.stderr)
        return 2
    except (StudentGaveUp, NoBill, NoPace) as err:
        print(f"\nThe exam could not be taken to its end. {err}", file=sys.stderr)
    except KeyboardInterrupt:
        keep_logs = False
        print("\nStopped.")
        return 130
    finally:
        if keep_logs and (directory / "logs").exists():
            print(f"The logs are in {directory / 'logs'}", file=sys.stderr)
        else:
            shutil.rmtree(directory)
    return int(keep_logs)


def _demonstrate(directory: Path) -> bool:
    """Whether everything held."""
    settings = load(DemoSettings)
    os.environ["TAFAWOQ_ENV"] = settings.tafawoq_env.value
    check_everything()
    _announce(settings)
    options = StackOptions(
        directory=directory, keep_data=False, free_ports=True, environment=MADE_UP_STUDENTS
    )
    with Stack(settings, options, tell=lambda part: print(f"  started {part}", flush=True)) as stack:
        report = _exam(settings, stack)
    print()
    print("\n".join(report.lines()))
    print("\nEverything holds." if report.holds else "\nNot everything holds.")
    return report.holds


def _exam(settings: DemoSettings, stack: Stack) -> Report:
    batch_size = load(PlanSettings).exam_batch_size
    shape = exam_shape(settings.track, batch_size)[: None if settings.is_whole_exam else 1]
    print(f"\nA student opens a {settings.track} exam at {stack.api_url}\n", flush=True)

    def hurry() -> None:
        if stack.simulator_url:
            set_speed(stack.simulator_url, settings.speed)

    if stack.simulator_url:
        set_speed(stack.simulator_url, MODELS_OWN)
    with screen_for(shape) as screen:
        student = Student(stack.api_url, screen, pace_s=settings.pace_s, after_first_batch=hurry)
        database_url = stack.environment["DATABASE_URL"]
        try:
            with CostWatch(database_url, lambda: student.exam_session.session_id, screen.prices):
                exam_session = student.take_exam(settings.track, shape)
        finally:
            if len(student.exam_session.ready_s) < len(exam_shape(settings.track, batch_size)):
                student.cancel()  # so that nothing more is paid for
    bill = bill_of(exam_session.session_id, stack.environment)
    return report_on(exam_session, bill, shape, speed=settings.speed if settings.needs_simulator else None)


def _announce(settings: DemoSettings) -> None:
    if settings.needs_simulator:
        print(
            "No ANTHROPIC_API_KEY: a simulator on this machine writes the questions, the first batch as slowly as the "
            f"model would,\nthe others {settings.speed:g} times as fast. The student looks at each question for "
            f"{settings.pace_s:g} s."
        )
    else:
        print(
            "Claude writes the questions, and your key pays for "
            + ("a whole exam." if settings.full else "one batch.")
        )


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
