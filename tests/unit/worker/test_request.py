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
        "generation.generate_batch",
        "generation.prefetch",
        "generation.sweep",
    }
    assert all(isinstance(task, GuardedTask) for task in ours)
