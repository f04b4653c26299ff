"""The web app's server after the guide's changes: four handlers call our API, all others read and write its rows.

A handler answers with a status and a JSON body, as the pages see them. Errors are `{"error": <Arabic>}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psycopg
from psycopg.rows import dict_row

#: The web app's own table, as far as its handlers need it.
_ANSWERS = """
CREATE TABLE IF NOT EXISTS public.answers (
    session_id uuid, session_type text, question_id text NOT NULL, question_index int, selected_answer int,
    is_correct boolean, time_spent_seconds int, PRIMARY KEY (session_id, question_index)
)
"""
_TABLES = {"exams": "exam_sessions", "practice": "practice_sessions"}
_LIVE = {"in_progress", "paused"}

#: The pages know 503; our 202 has no questions for them.
_NOT_READY = "لم تجهز الأسئلة بعد، أعد المحاولة بعد قليل."

#: Longer than the API waits by itself.
TIMEOUT_S = 60.0


class ConnectionLost(Exception):
    """The page's `fetch` fails: no answer arrives."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status < 400


@dataclass
class WebAppServer:
    api_url: str
    database_url: str
    track: str = "scientific"  #: of every user's profile

    def __post_init__(self) -> None:
        with self._database() as connection:
            connection.execute(_ANSWERS)

    # The handlers that generate: they call our API.

    def create(
        self, kind: str, user: str, wanted: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> Answer:
        """POST /api/exams, which has no body; POST /api/practice; and the retake with `sourceSessionId`."""
        body = {"track": self.track} if wanted is None else dict(wanted)
        made = self._api("POST", f"/{kind}", user, json=body, headers={"Idempotency-Key": key} if key else {})
        if not made.ok:
            return made
        session = {**made.body, "startTime": made.body["createdAt"], "questionsAnswered": 0}
        if kind == "practice":
            session |= {"startedAt": made.body["createdAt"], "questionCount": len(made.body["questions"])}
            session |= {"targetQuestionCount": made.body["totalQuestions"]}
        return Answer(200, {"session": session, "questions": made.body["questions"]})

    def questions(
        self,
        kind: str,
        user: str,
        session_id: str,
        batch_index: int,
        *,
        hangs_up_after_s: float | None = None,
    ) -> Answer:
        """POST .../questions. The handler passes a page's hang-up on to our API."""
        answer = self._api(
            "POST",
            f"/{kind}/{session_id}/questions",
            user,
            json={"batchIndex": batch_index},
            timeout_s=hangs_up_after_s or TIMEOUT_S,
        )
        if answer.status == 202:
            return Answer(503, {"error": _NOT_READY}, answer.headers)
        if answer.ok and kind == "practice":
            target = self._row(kind, user, session_id)["target_question_count"]
            loaded = answer.body["meta"]["totalLoaded"]
            answer.body["meta"] |= {"targetQuestionCount": target, "allQuestionsGenerated": loaded >= target}
        return answer

    def _api(
        self, method: str, path: str, user: str, *, timeout_s: float = TIMEOUT_S, **options: Any
    ) -> Answer:
        headers = {"X-User-Id": user} | options.pop("headers", {})
        try:
            response = httpx2.request(
                method, f"{self.api_url}/api{path}", headers=headers, timeout=timeout_s, **options
            )
        except httpx2.TransportError as err:
            raise ConnectionLost from err
        return Answer(response.status_code, response.json(), response.headers)

    # The handlers that stay as they are: they read and write the web app's rows.

    def read(self, kind: str, user: str, session_id: str) -> Answer:
        """GET /api/exams/id and /api/practice/id: questions without keys, but for those that are answered."""
        row = self._row(kind, user, session_id)
        answers = self._answers(session_id)
        shown = [
            _shown(question, index, answers.get(index)) for index, question in enumerate(row["questions"])
        ]
        session = {
            "id": session_id,
            "status": row["status"],
            "track": row.get("track"),
            "totalQuestions": row.get("total_questions") or row.get("target_question_count"),
            "generatedBatches": row["generated_batches"] or -(-len(shown) // 10),
        }
        known = [
            {
                "questionIndex": index,
                "selectedAnswer": each["selected_answer"],
                "isCorrect": each["is_correct"],
            }
            for index, each in sorted(answers.items())
        ]
        return Answer(200, {"session": session, "questions": shown, "answers": known})

    def answer(self, kind: str, user: str, session_id: str, index: int, selected: int) -> Answer:
        """POST .../answers: graded from the row, for practice as well. A repeated answer is the same answer."""
        row = self._row(kind, user, session_id)
        if row["status"] != "in_progress":
            return Answer(400, {"error": "الجلسة ليست قيد التقدم"})
        question = row["questions"][index]
        is_correct = selected == question["answerIndex"]
        with self._database() as connection:
            connection.execute(
                "INSERT INTO answers VALUES (%s, %s, %s, %s, %s, %s, 1) ON CONFLICT (session_id, question_index) "
                "DO UPDATE SET selected_answer = excluded.selected_answer, is_correct = excluded.is_correct",
                [session_id, kind, question["id"], index, selected, is_correct],
            )
        feedback = {
            "questionIndex": index,
            "isCorrect": is_correct,
            "correctAnswer": question["answerIndex"],
            "explanation": question["explanation"],
            "tip": question.get("tip"),
            "solvingStrategy": question.get("solvingStrategy"),
        }
        return Answer(200, {"feedback": feedback} if kind == "practice" else feedback)

    def pause(self, kind: str, user: str, session_id: str) -> Answer:
        return self._move(kind, user, session_id, "in_progress", "paused")

    def resume(self, kind: str, user: str, session_id: str) -> Answer:
        return self._move(kind, user, session_id, "paused", "in_progress")

    def finish(self, kind: str, user: str, session_id: str) -> Answer:
        """PATCH {action: complete}: scores by section, from the answers."""
        row, answers = self._row(kind, user, session_id), self._answers(session_id)
        if row["status"] not in _LIVE:
            return Answer(400, {"error": "الجلسة ليست قيد التقدم"})
        scores = {
            section: sum(
                each["is_correct"]
                for index, each in answers.items()
                if row["questions"][index]["section"] == section
            )
            for section in ("quantitative", "verbal")
        }
        self._set_status(kind, session_id, "completed")
        return Answer(200, {"session": {"id": session_id, "status": "completed", "correct": scores}})

    def results(self, kind: str, user: str, session_id: str) -> Answer:
        """GET .../results: reads these names only."""
        row = self._row(kind, user, session_id)
        if row["status"] != "completed":
            return Answer(400, {"error": "لم تكتمل الجلسة"})
        names = ("id", "index", "section", "topic", "difficulty", "questionType", "stem", "choices")
        shown = [
            {name: question.get(name) for name in (*names, "answerIndex", "explanation")}
            for question in row["questions"]
        ]
        return Answer(200, {"questions": shown})

    def not_there(self) -> Answer:
        """The beacon to .../answers/batch has no handler."""
        return Answer(404, {})

    def _move(self, kind: str, user: str, session_id: str, source: str, target: str) -> Answer:
        status = self._row(kind, user, session_id)["status"]
        if status == target:
            return Answer(200, {"session": {"status": target}, "alreadyResumed": True})
        if status != source:
            return Answer(400, {"error": "الجلسة ليست متوقفة"})
        self._set_status(kind, session_id, target)
        return Answer(200, {"session": {"status": target}})

    def _set_status(self, kind: str, session_id: str, status: str) -> None:
        with self._database() as connection:
            connection.execute(
                f"UPDATE {_TABLES[kind]} SET status = %s WHERE id = %s",
                [status, session_id],
            )

    def _row(self, kind: str, user: str, session_id: str) -> dict[str, Any]:
        with self._database() as connection:
            row = connection.execute(
                f"SELECT * FROM {_TABLES[kind]} WHERE id = %s AND user_id = %s",
                [session_id, user],
            ).fetchone()
        assert row is not None, "the page would leave: 404"
        return row

    def _answers(self, session_id: str) -> dict[int, dict[str, Any]]:
        with self._database() as connection:
            rows = connection.execute("SELECT * FROM answers WHERE session_id = %s", [session_id]).fetchall()
        return {row["question_index"]: row for row in rows}

    def _database(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row)


def _shown(question: Mapping[str, Any], index: int, answered: Mapping[str, Any] | None) -> dict[str, Any]:
    shown = {
        "id": question["id"],
        "index": index,
        **{
            name: question.get(name)
            for name in ("section", "topic", "difficulty", "stem", "choices", "passage")
        },
    }
    if answered is None:
        return shown
    return shown | {
        "answerIndex": question["answerIndex"],
        "selectedAnswer": answered["selected_answer"],
        "isCorrect": answered["is_correct"],
    }
