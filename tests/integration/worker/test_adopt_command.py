"""`tafawoq-worker adopt`: one session, or all that are live."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from runtime.settings import DatabaseSettings
from tests.support.old_rows import exam_questions
from worker.cli import cli


@pytest.fixture(autouse=True)
def _environment(database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAFAWOQ_ENV", "development")
    monkeypatch.setenv("DATABASE_URL", database.database_url)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["adopt", *arguments])


def old_exam(engine: Engine, status: str = "in_progress", last: int = 0) -> str:
    session_id = str(uuid4())
    values = {
        "id": session_id,
        "user": uuid4(),
        "status": status,
        "questions": json.dumps(exam_questions(session_id, [10])),
        "context": json.dumps({"lastBatchIndex": last}),
    }
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO exam_sessions (id, user_id, status, questions, generated_batches, generation_context) "
                "VALUES (:id, :user, :status, CAST(:questions AS jsonb), 1, CAST(:context AS jsonb))"
            ),
            values,
        )
    return session_id


def test_all_live_sessions_are_adopted_and_the_others_say_why(engine: Engine) -> None:
    live, paused, copy = old_exam(engine), old_exam(engine, "paused"), old_exam(engine, last=-1)
    old_exam(engine, "completed")

    report = {each["session"]: each["outcome"] for each in json.loads(run("--all", "--json").stdout)}

    assert report == {live: "adopted", paused: "adopted", copy: "shared_copy"}
    again = run("--all")
    assert again.exit_code == 0
    assert "1 shared_copy" in again.stdout
    assert "adopted" not in again.stdout


def test_one_session_is_adopted_and_repeating_it_is_harmless(engine: Engine) -> None:
    session_id = old_exam(engine)
    assert (run(session_id).stdout.strip(), run(session_id).exit_code) == ("1 adopted", 0)
    assert "has a plan" in run(session_id).stdout


def test_what_is_not_adopted_ends_with_1_and_a_wrong_call_with_2(engine: Engine) -> None:
    over = run(old_exam(engine, "completed"))
    assert (over.exit_code, "over" in over.stdout) == (1, True)
    assert run(str(uuid4())).exit_code == 1
    assert run().exit_code == 2
    assert run(str(uuid4()), "--all").exit_code == 2


def test_nothing_to_adopt_is_said() -> None:
    assert run("--all").stdout.strip() == "Nothing to adopt."
