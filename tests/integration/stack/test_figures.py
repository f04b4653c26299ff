"""Whole exams of both tracks: every figure can be seen, and the web app's renderers can draw what they get."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any
from xml.etree import ElementTree as ET

import psycopg
import pytest

from generation.figures.web_app import WEB_APP_SAFE
from tests.integration.stack.student import Student
from tests.integration.stack.test_whole_exams import SIZES
from tests.support.figure_rules import web_app_faults
from tests.support.stack import running_stack
from tools.stack.stack import Stack

FIGURES = {"scientific": 9, "literary": 4}
LARGEST_BYTES = 8 * 1024


@pytest.fixture(scope="module", params=["all", "web-app"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    patterns = {"FIGURE_PATTERNS": request.param}
    with running_stack(tmp_path_factory.mktemp("stack"), speed=200, environment=patterns) as stack:
        yield stack


def whole_exam(student: Student, track: str) -> list[dict[str, Any]]:
    questions = list(student.begin({"track": track})["questions"])
    for batch_index, end in enumerate(accumulate(SIZES[track][:-1]), start=1):
        student.reach(end - 1)
        questions += student.take(batch_index)
    return questions


def row_of(stack: Stack, session_id: str) -> list[dict[str, Any]]:
    """The questions in the web app's own table."""
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        query = "SELECT questions FROM public.exam_sessions WHERE id = %s"
        row = connection.execute(query, [session_id]).fetchone()
    assert row is not None
    return list(row[0])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("track", ["scientific", "literary"])
def test_every_figure_of_an_exam_is_drawn_and_described(stack: Stack, track: str) -> None:
    student = Student(stack.api_url)
    questions = whole_exam(student, track)
    assert len(questions) == 96
    figured = [question for question in questions if question["questionType"] in {"diagram", "chart"}]
    assert len(figured) == FIGURES[track]
    assert [question for question in questions if "diagram" in question] == figured
    for figure in (question["diagram"] for question in figured):
        assert ET.fromstring(figure["svg"]).tag.endswith("svg")
        assert len(figure["svg"].encode()) <= LARGEST_BYTES
        assert figure["caption"]
        assert figure["figure"]["pattern"]
        assert {"type", "renderHint", "data"} <= figure.keys() or not {
            "type",
            "renderHint",
            "data",
        } & figure.keys()
        assert "type" not in figure or web_app_faults(figure) == []
    if stack.environment["FIGURE_PATTERNS"] == "web-app":
        assert all("type" in question["diagram"] for question in figured)
        assert {question["diagram"]["figure"]["pattern"] for question in figured} <= WEB_APP_SAFE.keys()
    stored = {question["id"]: question.get("diagram") for question in row_of(stack, student.session_id)}
    assert stored == {question["id"]: question.get("diagram") for question in questions}
