from __future__ import annotations

import pytest
from celery.exceptions import InvalidTaskError

from worker.app import app
from worker.request import GuardedRequest, GuardedTask


class Message:
    """As much of a kombu message as a request reads first."""

    def __init__(self, payload: object, headers: dict[str, object] | None = None) -> None:
        self.payload = payload
        self.body = payload
        self.headers = {"task": "generation.sweep", "id": "1", **(headers or {})}
        self.content_type = "application/json"
        self.content_encoding = "utf-8"
        self.properties: dict[str, object] = {"delivery_info": {}}
        self.delivery_info: dict[str, object] = {}


@pytest.mark.parametrize("body", [[[], {}], "text", None, 7, [[], {}, {}, {}]])
def test_a_message_of_the_wrong_shape_is_unusable_rather_than_deadly(body: object) -> None:
    with pytest.raises(InvalidTaskError, match="documented shape"):
        GuardedRequest(Message(body), app=app, decoded=True)


def test_every_task_of_ours_is_guarded() -> None:
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if name.startswith("generation.")]
    assert {task.name for task in ours} == {
        "generation.check_batch",
        "generation.generate_batch",
        "generation.prefetch",
        "generation.sweep",
    }
    assert all(isinstance(task, GuardedTask) for task in ours)


class Sent:
    """A worker's event dispatcher that keeps what it is given."""

    enabled = True

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []

    def send(self, event: str, **fields: object) -> None:
        self.events.append({"type": event, **fields})


def test_what_flower_is_told_of_a_failure_has_its_class_and_places_and_not_its_text() -> None:
    app.loader.import_default_modules()
    sent = Sent()
    message = Message([[], {}, {}])
    request = GuardedRequest(message, app=app, decoded=True, eventer=sent, task=app.tasks["generation.sweep"])
    request.send_event(
        "task-failed",
        exception="IntegrityError('Failing row contains (the key)')",
        traceback='Traceback:\n  File "db/batches.py", line 7, in accept\n    raise x\nIntegrityError: the key',
    )
    [reported] = sent.events
    assert reported["exception"] == "IntegrityError"
    assert reported["traceback"] == 'File "db/batches.py", line 7, in accept'
