from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from celery.signals import task_failure

from tasks.contract import BatchPayload, PayloadRefused
from tasks.refusals import count_refused
from worker.assembly import Assembly


def refused(assembly: Assembly) -> float:
    [family] = assembly.metrics.messages_refused.collect()
    [counted] = [
        each.value
        for each in family.samples
        if each.name.endswith("_total") and each.labels["why"] == "fields"
    ]
    return counted


@pytest.mark.parametrize("kwargs", [{"session_id": str(uuid4())}, {"session_id": "no", "batch_index": 0}])
def test_a_message_with_wrong_fields_is_counted(assembly: Assembly, kwargs: dict[str, Any]) -> None:
    with pytest.raises(PayloadRefused) as caught:
        BatchPayload.of(kwargs)
    task_failure.send(sender=None, exception=caught.value)  # as Celery does
    assert refused(assembly) == 1


def test_a_task_that_fails_otherwise_is_no_refused_message(assembly: Assembly) -> None:
    count_refused(exception=RuntimeError("ours"))
    assert refused(assembly) == 0
