"""The questions a run must not repeat: the session's own, and the student's latest of other sessions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from db.tables import plans, questions, slots
from generation.model import EarlierQuestion, QuestionType, Slot, Topic

#: Limits on the student's other sessions, for each run: comparing one question costs about 0.1 ms.
_FROM_OTHER_SESSIONS = 100
_OTHER_SESSIONS = 8

_SESSION = bindparam("in_session", type_=Uuid)


def earlier_questions(
    connection: Connection, session_id: UUID, user_id: UUID, wanted: Sequence[Slot]
) -> tuple[EarlierQuestion, ...]:
    """First the user's latest questions of other sessions on the wanted topics, the newest last, at position -1.

    Then every committed question of the session, by position.
    """
    topics = sorted({slot.topic.value for slot in wanted})
    which = {
        "in_session": session_id,
        "in_user": user_id,
        "in_topics": topics,
        "in_most": _FROM_OTHER_SESSIONS,
    }
    return tuple(_earlier_question(row) for row in connection.execute(_earlier(), which))


@cache
def _earlier() -> CompoundSelect[Any]:
    return union_all(_elsewhere(), _here()).order_by("position")


def _here() -> Select[Any]:
    return (
        select(questions.c.position, questions.c.content, slots.c.spec["passageGroup"].label("passage_group"))
        .join_from(questions, slots)
        .where(questions.c.session_id == _SESSION)
    )


def _elsewhere() -> Select[Any]:
    topics = bindparam("in_topics", type_=ARRAY(Text))
    latest = (
        select(plans.c.session_id)
        .where(plans.c.user_id == bindparam("in_user", type_=Uuid), plans.c.session_id != _SESSION)
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
        .where(questions.c.session_id.in_(latest), questions.c.content["topic"].astext == any_(topics))
        .order_by(*newest_first)
        .limit(bindparam("in_most", type_=Integer))
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
