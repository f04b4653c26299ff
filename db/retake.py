"""Retaking an exam: what a completed exam of the student's was made of, for another one like it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, case, cast, func, select

from db.errors import SessionNotCompleted
from db.session_row import COMPLETED
from db.tables import exam_sessions
from db.web_app_columns import MOST_JSON_BYTES
from generation.errors import SessionMissing
from generation.model import Track

#: In minutes, as the web app writes it.
_TIME_LIMIT = 120


@dataclass(frozen=True, slots=True)
class RetakeSource:
    """The exam to be taken again with other questions."""

    id: UUID
    track: Track
    config: Mapping[str, Any]  #: as the web app keeps it in `exam_config`

    def config_of_retake(self, total_questions: int) -> dict[str, Any]:
        """The `exam_config` of the new exam."""
        return {
            **self.config,
            "track": self.track.value,
            "totalQuestions": total_questions,
            "generatedAt": datetime.now(UTC).isoformat(),
            "sourceExamId": str(self.id),
        }


def read_retake_source(connection: Connection, session_id: UUID, user_id: UUID) -> RetakeSource:
    """Raises SessionMissing, also for another user's, and SessionNotCompleted."""
    exam = exam_sessions.c
    query = select(
        exam.status, exam.track, _unless_too_long(exam.exam_config), _unless_too_long(exam.questions)
    )
    row = connection.execute(query.where(exam.id == session_id, exam.user_id == user_id)).one_or_none()
    if row is None:
        raise SessionMissing(session_id=session_id)
    if row.status != COMPLETED:
        raise SessionNotCompleted(session_id=session_id)
    kept = row.exam_config if isinstance(row.exam_config, dict) else None
    config = kept or _inferred(row.questions)
    named = config.get("track", row.track)
    return RetakeSource(session_id, Track(named) if named in list(Track) else Track.SCIENTIFIC, config)


def _unless_too_long(column: ColumnElement[Any]) -> ColumnElement[Any]:
    is_short = func.octet_length(cast(column, Text)) <= MOST_JSON_BYTES
    return case((is_short, column)).label(column.key)


def _inferred(questions: Any) -> dict[str, Any]:
    """The configuration of an exam that kept none, from its questions."""
    asked = [each for each in questions if isinstance(each, dict)] if isinstance(questions, list) else []
    counted = {
        f"{name}Distribution": dict(Counter(str(each[field]) for each in asked if each.get(field)))
        for name, field in (("category", "topic"), ("difficulty", "difficulty"))
    }
    return {"timeLimit": _TIME_LIMIT} | {name: counts for name, counts in counted.items() if counts}
