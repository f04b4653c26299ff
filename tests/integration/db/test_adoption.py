"""Rows as the web app's own generator left them are adopted, completed, and adopted once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.batches import BatchStore
from db.events import EventLog
from db.sessions import SessionStore
from db.web_app_columns import MOST_JSON_BYTES
from generation.adoption import NotAdopted, NotAdoptedReason
from generation.errors import SessionMissing
from generation.model import EventKind, SessionKind, Track, Urgency
from tests.integration.db.exams import STUDENT, claimed, fill, new_session, question_for
from tests.integration.db.races import at_once
from tests.support.old_rows import LITERARY, exam_questions, practice_questions, version_2

RunSql = Callable[..., Any]

#: Columns of the live web app that our own migrations do not make.
LIVE_COLUMNS = (
    "ALTER TABLE exam_sessions ADD COLUMN IF NOT EXISTS shared_from_post_id uuid, "
    "ADD COLUMN IF NOT EXISTS is_library_exam boolean DEFAULT false"
)


def old_exam(
    run_sql: RunSql, sizes: Sequence[int], sections: Sequence[str] | None = None, **row: Any
) -> UUID:
    """A row of the old generator with so many questions in each batch."""
    session_id = uuid4()
    questions = exam_questions(session_id, sizes, *([sections] if sections else []))
    values = {
        "id": session_id,
        "user_id": STUDENT,
        "track": "scientific",
        "status": "in_progress",
        "questions": json.dumps(questions),
        "generated_batches": len(sizes),
        "generation_context": json.dumps(
            {"generatedIds": [question.get("id") for question in questions], "lastBatchIndex": len(sizes) - 1}
        ),
        **dict.fromkeys(("created_at", "start_time", "updated_at"), "2026-01-13T10:00:00Z"),
    } | row
    _insert(run_sql, "exam_sessions", values)
    return session_id


def old_practice(run_sql: RunSql, sizes: Sequence[int], **row: Any) -> UUID:
    session_id = uuid4()
    values = {
        "id": session_id,
        "user_id": STUDENT,
        "status": "in_progress",
        "section": "quantitative",
        "categories": ["arithmetic", "geometry"],
        "difficulty": "easy",
        "questions": json.dumps(practice_questions(session_id, sizes)),
        "question_count": sum(sizes),
        "target_question_count": 20,
        "generated_batches": len(sizes),
        "generation_context": "{}",
        **dict.fromkeys(("created_at", "started_at"), "2026-01-13T10:00:00Z"),
    } | row
    _insert(run_sql, "practice_sessions", values)
    return session_id


def _insert(run_sql: RunSql, table: str, values: dict[str, Any]) -> None:
    casts = {"questions": "::jsonb", "generation_context": "::jsonb"}
    placeholders = ", ".join(f"CAST(:{name} AS jsonb)" if name in casts else f":{name}" for name in values)
    run_sql(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({placeholders})", **values)


def row_of(run_sql: RunSql, session_id: UUID, table: str = "exam_sessions") -> dict[str, Any]:
    ((row,),) = run_sql(f"SELECT to_jsonb(its) FROM {table} its WHERE id = :id", id=session_id)
    assert isinstance(row, dict)
    return row


def finish_next(store: BatchStore, session_id: UUID, batch_index: int) -> None:
    store.request(session_id, batch_index, Urgency.INTERACTIVE)
    claim = claimed(store, session_id, batch_index)
    fill(store, claim)
    store.finish(claim)


def test_an_exam_goes_on_where_the_old_generator_stopped(
    sessions: SessionStore, store: BatchStore, log: EventLog, run_sql: RunSql
) -> None:
    session_id = old_exam(run_sql, [10, 10, 10], generation_in_progress=True)
    before = row_of(run_sql, session_id)

    assert sessions.adopt(session_id, SessionKind.EXAM, STUDENT)
    assert not sessions.adopt(session_id, SessionKind.EXAM, STUDENT)
    for batch_index in range(3, 10):
        finish_next(store, session_id, batch_index)

    row = row_of(run_sql, session_id)
    assert len(row["questions"]) == row["total_questions"] == 96
    assert (row["generated_batches"], row["generation_in_progress"]) == (10, False)
    assert row["generation_context"] == {
        "generatedIds": [question["id"] for question in row["questions"]],
        "lastBatchIndex": 9,
    }
    for old, new in zip(before["questions"], row["questions"][:30], strict=True):
        assert old == {name: new[name] for name in old}
    assert Counter(question["section"] for question in row["questions"]) == {"quantitative": 57, "verbal": 39}
    untouched = set(row) - {
        "questions",
        "generated_batches",
        "generation_context",
        "generation_in_progress",
        "updated_at",
    }
    assert {name: row[name] for name in untouched} == {name: before[name] for name in untouched}
    assert len({question["id"] for question in row["questions"]}) == 96
    kinds = Counter(event.kind for event in log.after(session_id, 0, 1000))
    assert (kinds[EventKind.QUESTION], kinds[EventKind.BATCH_READY]) == (96, 10)


def test_a_second_adoption_changes_nothing(sessions: SessionStore, run_sql: RunSql, engine: Engine) -> None:
    session_id = old_exam(run_sql, [10, 7], status="paused")
    made = at_once([lambda: SessionStore(engine).adopt(session_id)] * 4)
    assert sorted(made) == [False, False, False, True]

    def stored() -> list[Any]:
        tables = ("plans", "slots", "questions", "batches", "events")
        return [
            run_sql(
                f"SELECT to_jsonb(its) FROM generation.{table} its WHERE session_id = :id ORDER BY 1",
                id=session_id,
            )
            for table in tables
        ] + [row_of(run_sql, session_id)]

    once = stored()
    assert not sessions.adopt(session_id)
    assert stored() == once
    assert row_of(run_sql, session_id)["status"] == "paused"


def test_the_adopted_questions_are_the_history_of_the_next_batch(
    sessions: SessionStore, store: BatchStore, run_sql: RunSql
) -> None:
    session_id = old_exam(run_sql, [10, 10])
    sessions.adopt(session_id)
    store.request(session_id, 2, Urgency.INTERACTIVE)

    claim = claimed(store, session_id, 2)

    assert [earlier.position for earlier in claim.earlier] == list(range(20))
    assert claim.earlier[3].stem == "نص السؤال القديم رقم 3؟"
    assert [slot.position for slot in claim.open_slots] == list(range(20, 30))


def test_an_old_batch_asked_for_again_is_returned_and_a_view_shows_all(
    sessions: SessionStore, store: BatchStore, run_sql: RunSql
) -> None:
    session_id = old_exam(run_sql, [10, 6], LITERARY, track="literary")
    sessions.adopt(session_id)

    assert store.request(session_id, 1, Urgency.INTERACTIVE).created is False
    view = sessions.view(session_id, SessionKind.EXAM, STUDENT)
    assert (view.track, view.generated_batches, len(view.questions)) == (Track.LITERARY, 2, 16)
    assert [batch.size for batch in view.batches[:2]] == [10, 6]


def test_practice_goes_on_in_fives_and_counts_what_it_has(
    sessions: SessionStore, store: BatchStore, run_sql: RunSql
) -> None:
    session_id = old_practice(run_sql, [5, 4], target_question_count=12)
    sessions.adopt(session_id, SessionKind.PRACTICE, STUDENT)
    finish_next(store, session_id, 2)

    row = row_of(run_sql, session_id, "practice_sessions")
    assert (row["question_count"], row["target_question_count"], row["generated_batches"]) == (12, 12, 3)
    assert [question["id"] for question in row["questions"][:2]] == [
        f"practice_{session_id}_q0",
        f"practice_{session_id}_q1",
    ]


def test_practice_takes_the_track_of_the_users_profile(sessions: SessionStore, run_sql: RunSql) -> None:
    run_sql("CREATE TABLE IF NOT EXISTS user_profiles (user_id uuid, academic_track text)")
    run_sql("DELETE FROM user_profiles")
    run_sql("INSERT INTO user_profiles VALUES (:user, 'literary')", user=STUDENT)
    session_id = old_practice(run_sql, [5])
    sessions.adopt(session_id)
    assert sessions.view(session_id, SessionKind.PRACTICE, STUDENT).track is Track.LITERARY


@pytest.mark.parametrize("status", ["completed", "abandoned", "failed"])
def test_a_session_that_is_over_is_not_adopted(sessions: SessionStore, run_sql: RunSql, status: str) -> None:
    refused(sessions, old_exam(run_sql, [10], status=status), NotAdoptedReason.OVER)


def test_no_copy_is_ever_adopted(sessions: SessionStore, run_sql: RunSql) -> None:
    run_sql(LIVE_COLUMNS)
    forum = {"lastBatchIndex": -1, "generatedIds": []}
    copies = [
        old_exam(run_sql, [10, 10], shared_from_post_id=uuid4()),
        old_exam(run_sql, [10, 10], is_library_exam=True),
        old_exam(run_sql, [10] * 9 + [6], generation_context=json.dumps(forum)),
        old_exam(run_sql, [10, 10], generated_batches=0, generation_context="{}"),
        old_exam(
            run_sql, [10, 10], generation_context=json.dumps({"sharedFromPostId": "x", "lastBatchIndex": 1})
        ),
    ]
    for session_id in copies:
        before = row_of(run_sql, session_id)
        refused(sessions, session_id, NotAdoptedReason.SHARED_COPY)
        assert row_of(run_sql, session_id) == before


def test_a_lock_that_may_be_alive_is_respected_and_a_dead_one_is_not(
    sessions: SessionStore, run_sql: RunSql
) -> None:
    session_id = old_exam(run_sql, [10], generation_in_progress=True)
    run_sql(
        "UPDATE exam_sessions SET updated_at = now() - interval '4 minutes' WHERE id = :id", id=session_id
    )
    refused(sessions, session_id, NotAdoptedReason.STILL_GENERATING)
    run_sql(
        "UPDATE exam_sessions SET updated_at = now() - interval '6 minutes' WHERE id = :id", id=session_id
    )
    assert sessions.adopt(session_id)


@pytest.mark.parametrize(
    "questions",
    [{"a": 1}, "text", [1, 2], [{"choices": []}], [{}] * 300, [{"stem": 5, "question_text": "نص"}]],
)
def test_what_holds_no_questions_is_not_adopted(
    sessions: SessionStore, run_sql: RunSql, questions: object
) -> None:
    session_id = old_exam(run_sql, [10], questions=json.dumps(questions))
    refused(sessions, session_id, NotAdoptedReason.UNREADABLE_QUESTIONS)


def test_a_passage_that_is_no_text_stays_in_the_row_only(
    sessions: SessionStore, store: BatchStore, run_sql: RunSql
) -> None:
    question = {"stem": "نص", "choices": ["١", "٢"], "answerIndex": 0, "passage": {"text": "نص"}}
    session_id = old_exam(run_sql, [1], questions=json.dumps([question]))
    sessions.adopt(session_id)
    assert row_of(run_sql, session_id)["questions"][0]["passage"] == {"text": "نص"}
    store.request(session_id, 1, Urgency.INTERACTIVE)
    assert [earlier.passage for earlier in claimed(store, session_id, 1).earlier] == [None]


def test_a_row_that_is_too_long_is_neither_read_nor_adopted(sessions: SessionStore, run_sql: RunSql) -> None:
    """The student may write the row; a process that reads all of it may run out of memory."""
    question = {"stem": "س" * MOST_JSON_BYTES, "choices": []}
    session_id = old_exam(run_sql, [10], questions=json.dumps([question], ensure_ascii=False))
    refused(sessions, session_id, NotAdoptedReason.UNREADABLE_QUESTIONS)
    with pytest.raises(SessionMissing) as caught:
        sessions.adopt(session_id, SessionKind.EXAM, uuid4())
    assert not isinstance(caught.value, NotAdopted)


def test_practice_that_does_not_tell_its_section_is_not_adopted(
    sessions: SessionStore, run_sql: RunSql
) -> None:
    session_id = old_practice(run_sql, [], section=None, generated_batches=0)
    refused(sessions, session_id, NotAdoptedReason.UNKNOWN_SECTION)


@pytest.mark.parametrize(("total", "planned"), [(100_000, 120), (120, 120), (0, 96), (None, 96), (-5, 16)])
def test_what_a_row_asks_for_is_bounded(
    sessions: SessionStore, run_sql: RunSql, total: int | None, planned: int
) -> None:
    session_id = old_exam(run_sql, [10, 6], total_questions=total)
    sessions.adopt(session_id)
    assert sessions.view(session_id, SessionKind.EXAM, STUDENT).total_questions == planned


def test_a_count_of_batches_that_no_session_can_have_is_bounded(
    sessions: SessionStore, run_sql: RunSql
) -> None:
    """The student may write the row, and every batch takes memory and rows."""
    session_id = old_exam(run_sql, [10, 6], generated_batches=5_000)
    sessions.adopt(session_id)
    assert sessions.view(session_id, SessionKind.EXAM, STUDENT).generated_batches == 200


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_a_moment_that_python_cannot_hold_is_ignored(
    sessions: SessionStore, run_sql: RunSql, moment: str
) -> None:
    session_id = old_exam(run_sql, [10], generation_in_progress=True, created_at=moment, updated_at=moment)
    assert sessions.adopt(session_id)


def test_another_users_or_another_kinds_session_is_missing_and_stays(
    sessions: SessionStore, run_sql: RunSql
) -> None:
    session_id = old_exam(run_sql, [10])
    for kind, user in ((SessionKind.EXAM, uuid4()), (SessionKind.PRACTICE, STUDENT)):
        with pytest.raises(SessionMissing) as caught:
            sessions.adopt(session_id, kind, user)
        assert not isinstance(caught.value, NotAdopted)
    with pytest.raises(SessionMissing):
        sessions.adopt(uuid4())


def test_uploads_of_the_second_version_keep_their_keys(sessions: SessionStore, run_sql: RunSql) -> None:
    questions = [version_2(number, "verbal") for number in range(10)]
    session_id = old_exam(run_sql, [10], questions=json.dumps(questions))
    sessions.adopt(session_id)
    assert row_of(run_sql, session_id)["questions"] == [
        question | {"index": index} for index, question in enumerate(questions)
    ]


def test_all_live_sessions_without_a_plan_are_listed(sessions: SessionStore, run_sql: RunSql) -> None:
    new_session(sessions)
    exam, practice = old_exam(run_sql, [10]), old_practice(run_sql, [5], status="paused")
    old_exam(run_sql, [10], status="completed")
    assert set(sessions.to_adopt()) == {exam, practice}


def test_what_a_questions_text_says_cannot_stop_the_next_batch(
    sessions: SessionStore, store: BatchStore, run_sql: RunSql
) -> None:
    """A new question with the text of an old one is refused as a repeat, like any other."""
    session_id = old_exam(run_sql, [10])
    sessions.adopt(session_id)
    finish_next(store, session_id, 1)
    ((fingerprint,),) = run_sql(
        "SELECT fingerprint FROM generation.questions WHERE session_id = :id AND position = 0", id=session_id
    )
    store.request(session_id, 2, Urgency.INTERACTIVE)
    claim = claimed(store, session_id, 2)
    with pytest.raises(Exception, match="already holds"):
        store.accept(claim, question_for(claim.open_slots[0], fingerprint=fingerprint), uuid4(), "claude")


def refused(sessions: SessionStore, session_id: UUID, reason: NotAdoptedReason) -> None:
    with pytest.raises(NotAdopted) as caught:
        sessions.adopt(session_id)
    assert caught.value.reason is reason
