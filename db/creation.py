"""The rows of a new session in every table, and the idempotency key that prevents a second session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from db.errors import IdempotencyConflict
from db.events import record
from db.session_row import IN_PROGRESS, batch_specs, choice_spec
from db.tables import WEB_APP_TABLES, batches, idempotency_keys, plans, slots
from generation.model import EventKind, Plan, Urgency


def keep_key(connection: Connection, user_id: UUID, key: str, digest: str, session_id: UUID) -> UUID | None:
    """The session that an earlier request with this key created, or None when the key was free and is now stored.

    The insert waits for a concurrent request with the same key. Raises IdempotencyConflict when the earlier
    request has another digest.
    """
    mine = (
        upsert(idempotency_keys)
        .values(user_id=user_id, key=key, request_digest=digest, session_id=session_id)
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.session_id)
    )
    if connection.execute(mine).one_or_none() is not None:
        return None
    return find_key(connection, user_id, key, digest)


def find_key(connection: Connection, user_id: UUID, key: str, digest: str) -> UUID | None:
    """The session that an earlier request with this key created, or None. Raises IdempotencyConflict as `keep_key`."""
    earlier = connection.execute(
        select(idempotency_keys).where(idempotency_keys.c.user_id == user_id, idempotency_keys.c.key == key)
    ).one_or_none()
    if earlier is None:
        return None
    if earlier.request_digest != digest:
        raise IdempotencyConflict
    found: UUID = earlier.session_id
    return found


def insert_session(
    connection: Connection,
    session_id: UUID,
    user_id: UUID,
    plan: Plan,
    *,
    traceparent: str | None = None,
    exam_config: Mapping[str, Any] | None = None,
) -> None:
    """Insert the web app's row, the plan with all its slots, the first batch (queued, marked as enqueued) and
    one event.
    """
    row = _web_app_row(session_id, user_id, plan) | ({"exam_config": exam_config} if exam_config else {})
    connection.execute(insert(WEB_APP_TABLES[plan.kind]).values(row))
    connection.execute(insert(plans).values(plan_row(session_id, user_id, plan)))
    connection.execute(insert(slots), [slot_row(session_id, slot.to_json()) for slot in plan.slots])
    first = {"session_id": session_id, "batch_index": 0, "urgency": Urgency.INTERACTIVE}
    connection.execute(insert(batches).values(**first, enqueued_at=func.now(), traceparent=traceparent))
    record(connection, session_id, EventKind.SESSION, {"status": IN_PROGRESS})


def _web_app_row(session_id: UUID, user_id: UUID, plan: Plan) -> dict[str, Any]:
    row = {
        "id": session_id,
        "user_id": user_id,
        "status": IN_PROGRESS,
        "questions": [],
        "generated_batches": 0,
        "generation_context": {"generatedIds": [], "lastBatchIndex": -1},
        "generation_in_progress": True,
    }
    if plan.practice is None:
        return row | {"track": plan.track.value, "total_questions": plan.total_questions}
    return row | {
        "section": plan.practice.section.value,
        "categories": [topic.value for topic in plan.practice.topics],
        "difficulty": plan.practice.difficulty.value,
        "question_count": 0,
        "target_question_count": plan.practice.question_count,
    }


def plan_row(session_id: UUID, user_id: UUID, plan: Plan) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "kind": plan.kind,
        "user_id": user_id,
        "track": plan.track,
        "plan_version": plan.version,
        "seed": plan.seed,
        "batches": batch_specs(plan.batches),
        "practice": choice_spec(plan.practice),
        "total_questions": plan.total_questions,
    }


def slot_row(session_id: UUID, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "position": spec["position"],
        "batch_index": spec["batchIndex"],
        "spec": spec,
    }
