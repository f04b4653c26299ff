from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tasks.contract import BatchPayload, PayloadRefused, ProgressPayload

SESSION = "0b3f5a0e-6a8e-4f6e-9a55-2f1f0c1b7f11"


def test_the_documented_fields_are_taken() -> None:
    taken = BatchPayload.of({"session_id": SESSION, "batch_index": 3})
    assert (taken.session_id, taken.batch_index) == (UUID(SESSION), 3)
    assert ProgressPayload.of({"session_id": SESSION, "position": 0}).position == 0


def test_our_own_code_names_a_session_by_its_id() -> None:
    session_id = uuid4()
    assert BatchPayload(session_id=session_id, batch_index=0).session_id == session_id


@pytest.mark.parametrize("number", ["2", "2.0", 2.0, 2.5, True, False, None, [2], {"a": 2}, -1, 10_001])
def test_only_a_whole_number_of_json_in_its_range_is_one(number: Any) -> None:
    for payload, name in ((BatchPayload, "batch_index"), (ProgressPayload, "position")):
        with pytest.raises(PayloadRefused, match=name):
            payload.of({"session_id": SESSION, name: number})


@pytest.mark.parametrize(
    "session_id",
    [
        SESSION.upper(),
        SESSION.replace("-", ""),
        f"{{{SESSION}}}",
        f"urn:uuid:{SESSION}",
        f" {SESSION}",
        f"{SESSION}\n",
        SESSION[:-1] + "g",
        SESSION.encode(),
        UUID(SESSION).int,
        None,
        [SESSION],
        "",
        "-" * 36,
    ],
)
def test_only_the_uuid_as_postgres_writes_it_names_a_session(session_id: Any) -> None:
    with pytest.raises(PayloadRefused, match="session_id") as refused:
        BatchPayload.of({"session_id": session_id, "batch_index": 0})
    assert "`session_id`: must be a uuid as text" in str(refused.value)


def test_a_message_of_many_unknown_fields_gets_a_short_sentence() -> None:
    unknown = {f"field_{number}": number for number in range(5_000)}
    with pytest.raises(PayloadRefused, match="session_id") as refused:
        BatchPayload.of(unknown)
    assert len(str(refused.value)) < 1_000
