"""A guard against messages of the wrong shape.

Celery builds a Request from whatever a producer put on the queue. A body of the wrong shape raises
ValueError there, which ends the worker and leaves the message in the queue: the next worker dies of it
too. Turned into InvalidTaskError it is logged and dropped like any other unusable message.
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
        except (ValueError, TypeError, KeyError) as err:
            raise InvalidTaskError(
                "The message does not have the documented shape [args, kwargs, options]; it is dropped."
            ) from err


class GuardedTask(Task):
    Request = "worker.request:GuardedRequest"
