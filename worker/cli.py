"""`tafawoq-worker`: the operator's commands. A second composition root.

Commands print tables, or JSON with `--json`. Exit codes: 0 done; 1 nothing found, or a check failed; 2 wrong
arguments or settings. The commands are in `worker.commands`.
"""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from runtime.settings import SettingsError
from runtime.telemetry import configure_logging
from worker.commands.adopt import adopt
from worker.commands.check_cache import check_cache
from worker.commands.check_claude import check_claude
from worker.commands.cost import cost
from worker.commands.doctor import doctor
from worker.commands.erase import erase
from worker.commands.evaluate import evaluate
from worker.commands.output import WRONG, refuse
from worker.commands.plan import plan
from worker.commands.quality import quality
from worker.commands.queues import queues
from worker.commands.reconcile import reconcile
from worker.commands.rehearse import rehearse
from worker.commands.review import review
from worker.commands.sessions import cancel, retry, sessions
from worker.commands.show import show


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Run a command; wrong settings end any of them with a sentence instead of a traceback."""
        try:
            return super().invoke(ctx)
        except SettingsError as err:
            refuse(str(err), code=WRONG)


cli = typer.Typer(
    cls=_Commands,
    name="tafawoq-worker",
    help="Inspect and control the generation of questions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
check = typer.Typer(no_args_is_help=True)

for command in (
    doctor,
    queues,
    sessions,
    show,
    retry,
    cancel,
    adopt,
    plan,
    cost,
    quality,
    review,
    reconcile,
    erase,
    evaluate,
    rehearse,
):
    cli.command()(command)
check.command("claude")(check_claude)
check.command("cache")(check_cache)
cli.add_typer(check, name="check", help="Call Claude; costs a few cents.")


def main() -> None:
    # To standard error: the output of a command may be JSON for another program.
    configure_logging(level="WARNING", log_format="console", stream=sys.stderr)
    cli()


if __name__ == "__main__":
    main()
