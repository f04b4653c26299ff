"""The live pages against the real stack: whole exams and practice, and what the student sees when something fails.

WEB_APP_SPEED=1 runs them at the model's own speed; docs/web-app-double.md is what was seen then.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.old_rows import LITERARY, exam_questions
from tests.support.stack import running_stack
from tests.support.web_app.exam_page import WAITING, ExamPage, Stuck
from tests.support.web_app.practice_page import PracticePage
from tests.support.web_app.server import Answer, ConnectionLost, WebAppServer
from tools.stack.stack import Stack

SPEED = float(os.environ.get("WEB_APP_SPEED", "20"))
KINDS = ["exams", "practice"]
SECTIONS = {
    "scientific": {"quantitative": 57, "verbal": 39},
    "literary": {"quantitative": 29, "verbal": 67},
}
PRACTICE = {
    "section": "verbal",
    "categories": ["analogy", "vocabulary"],
    "difficulty": "medium",
    "questionCount": 12,
}

#: When a page hangs up in these tests: before any batch can be ready.
HANGS_UP_AFTER_S = 0.2

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack"), speed=SPEED) as stack:
        yield stack


@pytest.fixture
def server(stack: Stack) -> WebAppServer:
    return WebAppServer(stack.api_url, stack.environment["DATABASE_URL"])


def begun(server: WebAppServer, user: str, *, kind: str = "exams", **options: Any) -> str:
    made = server.create(kind, user, PRACTICE if kind == "practice" else None, **options)
    assert made.ok, made.body
    return str(made.body["session"]["id"])


def exam_page(server: WebAppServer, **options: Any) -> ExamPage:
    user = str(uuid4())
    return ExamPage(server, user, begun(server, user), **options)


def finished(
    server: WebAppServer, page: ExamPage | PracticePage, kind: str = "exams"
) -> list[dict[str, Any]]:
    """Hand in, and read the results: nothing on them is blank."""
    assert server.finish(kind, page.user, page.session_id).ok
    questions: list[dict[str, Any]] = server.results(kind, page.user, page.session_id).body["questions"]
    assert not [name for each in questions for name, value in each.items() if value in (None, "", [])]
    assert [each["index"] for each in questions] == list(range(page.total))
    return questions


def write_down(request: pytest.FixtureRequest, page: ExamPage | PracticePage) -> None:
    """For the page of what was seen: `pytest -rP` prints it."""
    print(f"{request.node.name}: calls {page.statuses}; seen {page.seen}")


def test_a_literary_exam_on_the_pages_as_they_are(
    request: pytest.FixtureRequest, server: WebAppServer
) -> None:
    server.track = "literary"
    page = exam_page(server)
    page.take_all()
    page.close()
    write_down(request, page)

    assert (page.errors, page.statuses) == ([], [200] * 9)
    assert Counter(each["section"] for each in finished(server, page)) == SECTIONS["literary"]


def test_a_scientific_exam_needs_the_one_changed_line(
    request: pytest.FixtureRequest, server: WebAppServer
) -> None:
    """D4: as it is, the page asks for nothing at question 57, whoever writes the questions. A reload does not help."""
    page = exam_page(server)
    with pytest.raises(Stuck, match="at question 57 of 96"):
        page.take_all()
    with pytest.raises(Stuck, match="at question 57 of 96"):
        ExamPage(server, page.user, page.session_id).take_all()
    assert (page.errors, page.statuses) == ([], [200] * 5)
    write_down(request, page)

    mended = ExamPage(server, page.user, page.session_id, guided=True)
    mended.take_all()
    write_down(request, mended)
    assert (mended.errors, mended.statuses) == ([], [200] * 4)
    assert Counter(each["section"] for each in finished(server, mended)) == SECTIONS["scientific"]


@pytest.mark.parametrize("track", ["scientific", "literary"])
def test_a_practice_with_the_guides_changes(
    request: pytest.FixtureRequest, server: WebAppServer, track: str
) -> None:
    server.track = track
    user = str(uuid4())
    made = server.create("practice", user, PRACTICE | {"track": track})
    page = PracticePage(server, user, made.body["session"]["id"], stored=made.body)
    page.take_all()
    write_down(request, page)

    assert (page.seen, page.statuses) == ([], [200, 200])
    assert len(finished(server, page, "practice")) == 12


def page_with(server: WebAppServer, kind: str, **options: Any) -> ExamPage | PracticePage:
    """A page at the question where the next batch is asked for."""
    user = str(uuid4())
    session_id = begun(server, user, kind=kind)
    if kind == "practice":
        return PracticePage(server, user, session_id, **options)
    return ExamPage(server, user, session_id, **options)


def take_next_batch(page: ExamPage | PracticePage) -> None:
    """Answer up to the first question of the second batch."""
    first = len(page.questions)
    while page.index < first:
        page.answer()
        page.next()


@pytest.mark.parametrize("kind", KINDS)
def test_a_dropped_connection(request: pytest.FixtureRequest, server: WebAppServer, kind: str) -> None:
    page = page_with(server, kind, hangs_up_after_s=lambda call: HANGS_UP_AFTER_S if call == 1 else None)
    take_next_batch(page)
    write_down(request, page)

    assert page.statuses == [0, 200]
    assert not [text for text in page.seen if text.startswith("toast")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_answer(request: pytest.FixtureRequest, server: WebAppServer, kind: str) -> None:
    """D7: the batch was written, and the page asks for it again."""

    def network(call: int) -> Answer | None:
        if call == 1:
            server.questions(kind, page.user, page.session_id, 1)
            raise ConnectionLost
        return None

    page = page_with(server, kind, network=network)
    take_next_batch(page)
    write_down(request, page)
    assert page.statuses == [0, 200]


@pytest.mark.parametrize("kind", KINDS)
def test_a_503(request: pytest.FixtureRequest, server: WebAppServer, kind: str) -> None:
    away = Answer(
        503, {"error": "تعذّر إعداد الأسئلة الآن وما زلنا نحاول، عُد بعد قليل."}, {"Retry-After": "2"}
    )
    page = page_with(server, kind, network=lambda call: away if call <= 2 else None)
    take_next_batch(page)
    write_down(request, page)

    assert page.statuses == [503, 503, 200]
    assert not [text for text in page.seen if text.startswith("toast")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_double_click(server: WebAppServer, kind: str) -> None:
    """D10: with a key that the page makes when it is shown, both clicks open one session."""
    user, key = str(uuid4()), str(uuid4())
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(begun, server, user, kind=kind, key=key) for _ in range(2)]
        assert len({each.result() for each in made}) == 1


def test_two_tabs(request: pytest.FixtureRequest, server: WebAppServer) -> None:
    """The other tab may get 409, and in the end reads the same questions; one generation serves both."""
    first = exam_page(server)
    second = ExamPage(server, first.user, first.session_id)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(take_next_batch, tab) for tab in (first, second)]:
            done.result()
    for tab in (first, second):
        write_down(request, tab)
        assert tab.statuses[-1] == 200
        assert set(tab.statuses) <= {200, 409}
    assert first.questions[10:] == second.questions[10:]
    assert runs_of(server, first.session_id, 1) == 1


def test_two_tabs_of_practice(request: pytest.FixtureRequest, server: WebAppServer) -> None:
    """In the second tab sessionStorage is empty: it reads the row, instead of the old page's error."""
    user = str(uuid4())
    made = server.create("practice", user, PRACTICE)
    session_id = made.body["session"]["id"]
    first = PracticePage(server, user, session_id, stored=made.body)
    second = PracticePage(server, user, session_id)
    for tab in (first, second):
        take_next_batch(tab)
        write_down(request, tab)
        assert (tab.seen, tab.statuses) == ([], [200])
    assert runs_of(server, session_id, 1) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_reload_while_the_page_waits(
    request: pytest.FixtureRequest, server: WebAppServer, kind: str
) -> None:
    """The browser closes the page's connection; the page after the reload waits in its place."""
    page = page_with(server, kind)
    with pytest.raises(ConnectionLost):
        server.questions(kind, page.user, page.session_id, 1, hangs_up_after_s=HANGS_UP_AFTER_S)
    again = (ExamPage if kind == "exams" else PracticePage)(server, page.user, page.session_id)
    take_next_batch(again)
    write_down(request, again)

    assert again.statuses == [200]
    assert runs_of(server, page.session_id, 1) == 1


def test_a_pause_and_a_resume_at_the_next_visit(request: pytest.FixtureRequest, server: WebAppServer) -> None:
    page = exam_page(server)
    page.take_all(until=6)
    assert server.pause("exams", page.user, page.session_id).ok
    refused = server.questions("exams", page.user, page.session_id, 1)
    assert (refused.status, refused.body["code"]) == (409, "session_paused")

    again = ExamPage(server, page.user, page.session_id)
    assert again.index == 7
    take_next_batch(again)
    write_down(request, again)
    assert (again.errors, again.statuses) == ([], [200])


def test_an_exam_that_the_old_generator_began_goes_on_in_the_same_tab(
    request: pytest.FixtureRequest, server: WebAppServer
) -> None:
    """The tab was open at the switch: it knows the old ids, and its next call adopts the session."""
    user, session_id = old_exam(server, "literary", [10, 10, 9], LITERARY)
    page = ExamPage(server, user, session_id)
    page.index = 27
    page._effect()
    while page.index < 95:
        page.next()
    write_down(request, page)

    assert (page.errors, page.statuses) == ([], [200] * 7)
    assert Counter(each["section"] for each in finished(server, page)) == SECTIONS["literary"]


def test_the_one_batch_that_is_left_of_an_old_exam_may_hold_both_sections(server: WebAppServer) -> None:
    sizes, sections = [10, 10, 10, 10, 8, 10, 10, 10, 5], ["quantitative"] * 5 + ["verbal"] * 4
    user, session_id = old_exam(server, "scientific", sizes, sections)

    answer = server.questions("exams", user, session_id, 9)

    assert answer.status == 200, answer.body
    assert Counter(each["section"] for each in answer.body["questions"]) == {"quantitative": 9, "verbal": 4}
    assert answer.body["meta"]["totalLoaded"] == 96


def old_exam(
    server: WebAppServer, track: str, sizes: Sequence[int], sections: Sequence[str]
) -> tuple[str, str]:
    """The user and the id of an exam as the old generator left it."""
    user, session_id = str(uuid4()), str(uuid4())
    questions = _as_shown(exam_questions(session_id, sizes, sections), session_id)
    context = json.dumps({"lastBatchIndex": len(sizes) - 1})
    with psycopg.connect(server.database_url) as connection:
        connection.execute(
            "INSERT INTO exam_sessions (id, user_id, track, questions, generated_batches, generation_context) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [session_id, user, track, json.dumps(questions), len(sizes), context],
        )
    return user, session_id


def _as_shown(questions: list[dict[str, Any]], session_id: str) -> list[dict[str, Any]]:
    """The double reads the new names only; the live handler makes them of the old ones, and invents the ids."""
    return [
        {"id": f"exam_{session_id}_q{index}", **each, "stem": each["question_text"]}
        for index, each in enumerate(questions)
    ]


def runs_of(server: WebAppServer, session_id: str, batch_index: int) -> int:
    with psycopg.connect(server.database_url) as connection:
        row = connection.execute(
            "SELECT runs FROM generation.batches WHERE session_id = %s AND batch_index = %s",
            [session_id, batch_index],
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_what_waits_is_said(server: WebAppServer) -> None:
    page = exam_page(server)
    page.index = 9
    page._effect()
    page.next()
    assert page.seen in ([], [WAITING])
