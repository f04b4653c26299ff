"""Adopting a session of the web app that has no plan: its row is completed, and our tables get its questions.

The web app's row is read as JSON, because an installation may lack some of its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, func, insert, select, text, union_all, update

from db.creation import plan_row, slot_row
from db.events import record
from db.session_row import IN_PROGRESS, PAUSED
from db.tables import WEB_APP_TABLES, SlotState, batches, events, exam_sessions, plans, questions, slots
from db.web_app_columns import MOST_JSON_BYTES, read_web_app
from generation.adoption import Adoption, NotAdopted, NotAdoptedReason, OldSession, adopt
from generation.errors import SessionMissing
from generation.model import BatchStatus, EventKind, PracticeChoice, Section, SessionKind, Track, Urgency
from generation.old_questions import difficulty_of, section_of, topics_of

#: The old generator's `generation_in_progress` counts this long after the row's last change: no request of the
#: web app's host lives longer.
LOCK_LIVES = timedelta(minutes=5)

#: What stands where a model call would: no call of ours wrote these questions.
OLD_GENERATOR = "web-app"
NO_ATTEMPT = UUID(int=0)

#: The practice sessions of the web app had five questions before they had a target.
_PRACTICE_TOTAL = 5
_EXAM_TOTAL = 96
#: As many questions, and batches, as any session can have; more questions are no session.
_MOST_QUESTIONS = 200
#: A row may be written by its student: the web app's largest exam and practice session bound what is planned for it.
_MOST_PLANNED = {SessionKind.EXAM: 120, SessionKind.PRACTICE: 100}

_COPIED_FROM = ("shared_from_post_id", "sharedFromPostId", "is_library_exam", "isLibraryExam")
_MOVED_AT = ("updated_at", "created_at", "start_time", "started_at", "paused_at")


def adopt_session(
    connection: Connection,
    session_id: UUID,
    *,
    seed: int,
    kind: SessionKind | None = None,
    user_id: UUID | None = None,
) -> bool:
    """Adopt the session under the lock of its row. False: it has a plan already, and nothing is changed.

    Raises SessionMissing when there is no such row, or it is of another kind or user than the given ones, and
    NotAdopted with the reason.
    """
    kind, row = _locked_row(connection, session_id, kind, user_id)
    if connection.execute(select(plans.c.session_id).where(plans.c.session_id == session_id)).first():
        return False
    _check(connection, session_id, kind, row)
    adoption = adopt(_old_session(connection, session_id, kind, row), seed=seed)
    _insert_plan(connection, session_id, adoption, row)
    _insert_questions(connection, session_id, adoption)
    _insert_events(connection, session_id, adoption)
    _complete_row(connection, session_id, adoption, row)
    record(connection, session_id, EventKind.SESSION, {"status": row["status"]})
    return True


def sessions_to_adopt(connection: Connection) -> list[UUID]:
    """Every session of the web app in progress or paused that has no plan, the newest exams first."""
    live = [
        select(table.c.id).where(
            table.c.status.in_([IN_PROGRESS, PAUSED]),
            ~select(plans.c.session_id).where(plans.c.session_id == table.c.id).exists(),
        )
        for table in WEB_APP_TABLES.values()
    ]
    return list(connection.execute(union_all(*live)).scalars())


def _locked_row(
    connection: Connection, session_id: UUID, kind: SessionKind | None, user_id: UUID | None
) -> tuple[SessionKind, Mapping[str, Any]]:
    which = bindparam("id", session_id, Uuid), bindparam("user", user_id, Uuid)
    for each in SessionKind if kind is None else (kind,):
        query = text(
            f"SELECT CASE WHEN octet_length(its::text) <= {MOST_JSON_BYTES} THEN to_jsonb(its) END AS content "  # noqa: S608
            f"FROM public.{WEB_APP_TABLES[each].name} its "
            "WHERE its.id = :id AND its.user_id = coalesce(:user, its.user_id) FOR NO KEY UPDATE"
        )
        row = connection.execute(query.bindparams(*which)).one_or_none()
        if row is not None and row.content is None:
            raise NotAdopted(NotAdoptedReason.UNREADABLE_QUESTIONS, session_id=session_id)
        if row is not None:
            return each, row.content
    raise SessionMissing(session_id=session_id)


def _check(connection: Connection, session_id: UUID, kind: SessionKind, row: Mapping[str, Any]) -> None:
    """Raise NotAdopted unless the row is a live session of the student's own that nobody writes to."""
    reason = None
    if row.get("status") not in {IN_PROGRESS, PAUSED}:
        reason = NotAdoptedReason.OVER
    elif _is_copy(kind, row):
        reason = NotAdoptedReason.SHARED_COPY
    elif row.get("generation_in_progress") and _is_recent(connection, row):
        reason = NotAdoptedReason.STILL_GENERATING
    elif not isinstance(_questions(row), list) or len(_questions(row)) > _MOST_QUESTIONS:
        reason = NotAdoptedReason.UNREADABLE_QUESTIONS
    if reason is not None:
        raise NotAdopted(reason, session_id=session_id)


def _is_copy(kind: SessionKind, row: Mapping[str, Any]) -> bool:
    """Whether the library or the forum made the row from another one.

    A copy says so in columns that may be missing. It also has questions that no batch of its own brought: the
    library leaves `generated_batches` at 0, the forum writes that the last batch was -1.
    """
    notes = [
        note for note in (row.get("exam_config"), row.get("generation_context")) if isinstance(note, dict)
    ]
    if any(each.get(name) for each in (row, *notes) for name in _COPIED_FROM):
        return True
    if kind is SessionKind.PRACTICE or not _questions(row):  # old practice rows of one batch have no count
        return False
    context = row.get("generation_context")
    last = context.get("lastBatchIndex") if isinstance(context, dict) else None
    return not row.get("generated_batches") or last == -1


def _is_recent(connection: Connection, row: Mapping[str, Any]) -> bool:
    now: datetime = connection.execute(select(func.now())).scalar_one()
    return any(moved > now - LOCK_LIVES for moved in _moments(row))


def _moments(row: Mapping[str, Any]) -> Iterator[datetime]:
    for name in _MOVED_AT:
        if isinstance(row.get(name), str):
            with suppress(ValueError):  # Postgres knows moments that Python does not, such as infinity
                moment = datetime.fromisoformat(row[name])
                yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _questions(row: Mapping[str, Any]) -> Any:
    return row.get("questions") or []


def _old_session(
    connection: Connection, session_id: UUID, kind: SessionKind, row: Mapping[str, Any]
) -> OldSession:
    written = _questions(row)
    practice = kind is SessionKind.PRACTICE
    total = row.get("target_question_count" if practice else "total_questions")
    total = total or (max(len(written), _PRACTICE_TOTAL) if practice else _EXAM_TOTAL)
    total = min(total, _MOST_PLANNED[kind])
    return OldSession(
        id=session_id,
        kind=kind,
        track=_track(connection, row),
        questions=written,
        generated_batches=min(row.get("generated_batches") or 0, _MOST_QUESTIONS),
        total_questions=total,
        practice=_choice(session_id, row, total) if practice else None,
    )


def _track(connection: Connection, row: Mapping[str, Any]) -> Track:
    """The row's, else the user's, else scientific: as the web app's own handlers choose."""
    said = row.get("track") or read_web_app(
        connection, "user_profiles", "academic_track", "user_id", UUID(row["user_id"])
    )
    return Track(said) if said in list(Track) else Track.SCIENTIFIC


def _choice(session_id: UUID, row: Mapping[str, Any], total: int) -> PracticeChoice:
    section = section_of(row) or next(filter(None, map(_section_in, _questions(row))), None)
    if section is None:
        raise NotAdopted(NotAdoptedReason.UNKNOWN_SECTION, session_id=session_id)
    return PracticeChoice(
        section=section,
        topics=topics_of(row.get("categories"), section),
        difficulty=difficulty_of(row.get("difficulty")),
        question_count=total,
    )


def _section_in(question: object) -> Section | None:
    return section_of(question) if isinstance(question, Mapping) else None


def _insert_plan(
    connection: Connection, session_id: UUID, adoption: Adoption, row: Mapping[str, Any]
) -> None:
    user_id = UUID(row["user_id"])
    created = min(_moments(row), default=None)
    values = plan_row(session_id, user_id, adoption.plan) | ({"created_at": created} if created else {})
    connection.execute(insert(plans).values(values))
    written = len(adoption.questions)
    rows = [
        slot_row(session_id, slot.to_json())
        | {"state": SlotState.FILLED if slot.position < written else SlotState.OPEN}
        for slot in adoption.plan.slots
    ]
    _insert_all(connection, slots, rows)
    # No `ready_at`: these batches say nothing about how long we take.
    begun = [
        {
            "session_id": session_id,
            "batch_index": index,
            "status": BatchStatus.READY,
            "urgency": Urgency.INTERACTIVE,
        }
        for index in range(adoption.written_batches)
    ]
    _insert_all(connection, batches, begun)


def _insert_questions(connection: Connection, session_id: UUID, adoption: Adoption) -> None:
    rows = [
        {
            "session_id": session_id,
            "position": question.slot.position,
            "batch_index": question.slot.batch_index,
            "fingerprint": question.fingerprint,
            "content": question.content,
            "provider": OLD_GENERATOR,
            "attempt_id": NO_ATTEMPT,
        }
        for question in adoption.questions
    ]
    _insert_all(connection, questions, rows)


def _insert_events(connection: Connection, session_id: UUID, adoption: Adoption) -> None:
    """What a reader from the first event would have seen: every question, and every batch that is written."""
    seen: list[tuple[EventKind, dict[str, int]]] = [
        (EventKind.QUESTION, {"position": question.slot.position}) for question in adoption.questions
    ]
    seen += [(EventKind.BATCH_READY, {"batchIndex": index}) for index in range(adoption.written_batches)]
    rows = [
        {"session_id": session_id, "seq": seq, "kind": kind, "payload": payload}
        for seq, (kind, payload) in enumerate(seen, start=1)
    ]
    _insert_all(connection, events, rows)
    connection.execute(update(plans).where(plans.c.session_id == session_id).values(last_seq=len(seen)))


def _insert_all(connection: Connection, table: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    if rows:
        connection.execute(insert(table), rows)


def _complete_row(
    connection: Connection, session_id: UUID, adoption: Adoption, row: Mapping[str, Any]
) -> None:
    table = WEB_APP_TABLES[adoption.plan.kind]
    context = row.get("generation_context")
    ids = [question.row["id"] for question in adoption.questions]
    values: dict[str, Any] = {
        "questions": [question.row for question in adoption.questions],
        "generated_batches": adoption.written_batches,
        "generation_context": (context if isinstance(context, dict) else {})
        | {"generatedIds": ids, "lastBatchIndex": adoption.written_batches - 1},
        "generation_in_progress": False,
    }
    total = adoption.plan.total_questions
    if table is exam_sessions:
        values["total_questions"] = total
    else:
        values |= {"question_count": len(ids), "target_question_count": total}
    connection.execute(update(table).where(table.c.id == session_id).values(values))
