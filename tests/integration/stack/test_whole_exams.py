"""The whole system, each part a process of its own, as the web app uses it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import httpx2
import psycopg
import pytest

from tests.integration.stack.student import Student
from tests.support.stack import running_stack
from tools.stack.stack import Stack

SIZES = {
    "scientific": [10, 10, 10, 10, 10, 7, 10, 10, 10, 9],
    "literary": [10, 10, 9, 10, 10, 10, 10, 10, 10, 7],
}
SECTIONS = {
    "scientific": {"quantitative": 57, "verbal": 39},
    "literary": {"quantitative": 29, "verbal": 67},
}
THRESHOLD_TENTHS = 7

ANSWERS = re.compile(r"answerIndex|explanation|workedSolution|\"a\"\s*:")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack"), speed=60) as stack:
        yield stack


def stored_answers(stack: Stack, session_id: str) -> list[dict[str, Any]]:
    """What only the database may know: each question whole."""
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT content FROM generation.questions WHERE session_id = %s ORDER BY position", [session_id]
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("track", ["scientific", "literary"])
def test_an_exam_has_its_plan_and_each_batch_comes_when_it_is_due(stack: Stack, track: str) -> None:
    """D4, D6: sizes, sections and the threshold hold over the whole exam, on both tracks."""
    student = Student(stack.api_url)
    session = student.begin({"track": track})
    taken = [session["questions"]]
    starts = [0, *accumulate(SIZES[track])]
    for batch_index, size in enumerate(SIZES[track][:-1]):
        due = starts[batch_index] + size * THRESHOLD_TENTHS // 10
        assert [student.reach(position) for position in range(starts[batch_index], due)] == [None] * (
            due - starts[batch_index]
        )
        assert student.session()["generatedBatches"] == batch_index + 1
        assert student.reach(due) == batch_index + 1
        taken.append(student.take(batch_index + 1))
    assert [len(batch) for batch in taken] == SIZES[track]
    questions = [question for batch in taken for question in batch]
    assert [question["index"] for question in questions] == list(range(96))
    assert Counter(question["section"] for question in questions) == SECTIONS[track]
    assert len({question["id"] for question in questions}) == 96
    assert all(re.fullmatch(r"(quant|verbal)_\d_\d\d", question["id"]) for question in questions)
    assert [question["id"] for question in questions] == [
        f"{question['section'].removesuffix('itative')}_{batch_index}_{sequence:02d}"
        for batch_index, batch in enumerate(taken)
        for sequence, question in enumerate(batch, 1)
    ]
    final = student.session()
    assert (final["generatedBatches"], final["totalQuestions"]) == (10, 96)
    assert final["questions"] == questions
    assert final["generationInProgress"] is False
    assert not [text for text in student.reported if ANSWERS.search(text)]


@pytest.mark.timeout(120)
def test_a_practice_session_of_twelve_comes_as_five_five_and_two(stack: Stack) -> None:
    student = Student(stack.api_url, kind="practice")
    wanted = {
        "section": "verbal",
        "categories": ["reading-comprehension", "analogy"],
        "difficulty": "medium",
        "questionCount": 12,
    }
    taken = [student.begin(wanted)["questions"]]
    assert [student.reach(position) for position in range(4)] == [None, None, None, 1]
    taken += [student.take(1), student.take(2)]
    assert [len(batch) for batch in taken] == [5, 5, 2]
    questions = [question for batch in taken for question in batch]
    assert {question["topic"] for question in questions} == {"reading-comprehension", "analogy"}
    assert {question["difficulty"] for question in questions} == {"medium"}
    assert all(question["passage"] for question in questions if question["topic"] == "reading-comprehension")
    assert student.ask(3).status_code == 400
    assert not [text for text in student.reported if ANSWERS.search(text)]


@pytest.mark.timeout(120)
def test_no_log_of_any_process_holds_an_answer_or_a_question(stack: Stack) -> None:
    student = Student(stack.api_url)
    student.begin({"track": "scientific"})
    stored = stored_answers(stack, student.session_id)
    assert len(stored) == 10
    secrets = {text for content in stored for text in (content["explanation"], content["stem"])}
    reported = "".join(path.read_text() for path in stack.logs.glob("*.log"))
    assert "run_ended" in reported
    assert not [text for text in secrets if text in reported]
    assert stack.environment["DATABASE_URL"] not in reported


@pytest.mark.timeout(120)
def test_keys_are_spread_and_stored_where_only_the_web_app_reads_them(stack: Stack) -> None:
    """D19: the model does not choose where the key goes."""
    student = Student(stack.api_url)
    student.begin({"track": "scientific"})
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT questions, generated_batches, generation_in_progress, generation_context "
            "FROM exam_sessions WHERE id = %s",
            [student.session_id],
        ).fetchone()
    assert row is not None
    questions, generated, in_progress, context = row
    assert (generated, in_progress) == (1, False)
    assert context == {"generatedIds": [question["id"] for question in questions], "lastBatchIndex": 0}
    assert all(len(question["choices"]) == 4 for question in questions)
    assert len({question["answerIndex"] for question in questions}) >= 3


@pytest.mark.timeout(60)
def test_the_stream_of_an_exam_that_the_web_app_completes_ends(stack: Stack) -> None:
    """Completing is no call of ours: it stands in the web app's own row, and a worker's sweep finds it."""
    student = Student(stack.api_url)
    student.begin({"track": "scientific"})
    url = f"{stack.api_url}/api/exams/{student.session_id}/events"
    with httpx2.stream("GET", url, headers={"X-User-Id": student.user_id}, timeout=30) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: session"
        with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
            connection.execute(
                "UPDATE exam_sessions SET status = 'completed' WHERE id = %s", [student.session_id]
            )
        data = [line for line in lines if line.startswith("data:")]
    assert data[-1] == 'data: {"status": "completed"}'
