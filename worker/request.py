"""Celery's request, guarded against messages of a wrong shape, and without exception texts in its events.

Celery builds a Request from any message in the queue. A body of a wrong shape raises ValueError there, which
ends the worker and leaves the message in the queue, where it ends the next worker. This module raises
InvalidTaskError instead, so that Celery logs and drops the message.
"""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import InvalidTaskError
from celery.worker.request import Request


class GuardedRequest(Request):
    def __init__(self, message: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(message, *args, **kwargs)
        except Exception as err:  # no error over a foreign message may end the worker
            raise InvalidTaskError(
                "The message does not have the documented shape [args, kwargs, options]; it is dropped."
            ) from err

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002  Celery's name for it
        """Flower shows the class and place of an exception, without its text, which can quote a row."""
        if "exception" in fields:
            fields["exception"] = str(fields["exception"]).partition("(")[0]
        if "traceback" in fields:
            lines = str(fields["traceback"]).splitlines()
            fields["traceback"] = "\n".join(line.strip() for line in lines if line.startswith("  File "))
        super().send_event(type, **fields)


class GuardedTask(Task):
    Request = "worker.request:GuardedRequest"
