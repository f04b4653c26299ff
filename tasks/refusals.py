"""Counts a message with wrong fields in the metric of the messages that reach no task.

Importing the module connects the handler; the worker imports it through `include` in worker.app.
"""

from __future__ import annotations

from typing import Any

from celery.signals import task_failure

from tasks.contract import PayloadRefused
from worker.assembly import current


@task_failure.connect
def count_refused(exception: BaseException, **_: Any) -> None:
    if isinstance(exception, PayloadRefused):
        current().metrics.messages_refused.labels("fields").inc()
