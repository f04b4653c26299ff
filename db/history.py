"""What a run must not ask again: the session's own questions, and the student's latest of other sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, func, null, select, union_all

from db.tables import plans, questions, slots
from generation.model import EarlierQuestion, QuestionType, Slot, Topic

#: Of the student's other sessions, for each run: comparing one costs about 0.1 ms.
_FROM_OTHER_SESSIONS = 100
_OTHER_SESSIONS = 8

_OF_A_SLOT = and_(slots.c.session_id == questions.c.session_id, slots.c.position == questions.c.position)


def earlier_questions(
    connection: Connection, session_id: UUID, user_id: UUID, wanted: Sequence[Slot]
) -> tuple[EarlierQuestion, ...]:
    """By position: the user's latest of other sessions, of the topics wanted now, the newest at -1; then every
    committed question of the session.
    """
    topics = sorted({slot.topic.value for slot in wanted})
    both = union_all(_elsewhere(session_id, user_id, topics), _here(session_id))
    return tuple(_earlier_question(row) for row in connection.execute(both.order_by("position")))


def _here(session_id: UUID) -> Select[Any]:
    return (
        select(questions.c.position, questions.c.content, slots.c.spec["passageGroup"].label("passage_group"))
        .join_from(questions, slots, _OF_A_SLOT)
        .where(questions.c.session_id == session_id)
    )


def _elsewhere(session_id: UUID, user_id: UUID, topics: Sequence[str]) -> Select[Any]:
    latest = (
        select(plans.c.session_id)
        .where(plans.c.user_id == user_id, plans.c.session_id != session_id)
        .order_by(plans.c.created_at.desc())
        .limit(_OTHER_SESSIONS)
    )
    newest_first = questions.c.created_at.desc(), questions.c.position
    return (
        select(
            (-func.row_number().over(order_by=newest_first)).label("position"),
            questions.c.content,
            null().label("passage_group"),  # a group's number means another group in another session
        )
        .where(questions.c.session_id.in_(latest), questions.c.content["topic"].astext.in_(topics))
        .order_by(*newest_first)
        .limit(_FROM_OTHER_SESSIONS)
    )


def _earlier_question(row: Row[Any]) -> EarlierQuestion:
    content = row.content
    return EarlierQuestion(
        position=row.position,
        question_type=QuestionType(content["questionType"]),
        topic=Topic(content["topic"]),
        stem=content["stem"],
        choices=tuple(content["choices"]),
        passage=content.get("passage"),
        passage_group=row.passage_group,
        diagram=content.get("diagram"),
    )
