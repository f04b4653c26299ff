from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from tools.demo.screen import LiveScreen, PlainScreen, screen_for
from tools.demo.shape import exam_shape

SHAPE = exam_shape("literary", 10)
QUESTION: dict[str, Any] = {
    "index": 0,
    "section": "quantitative",
    "topic": "algebra",
    "difficulty": "easy",
    "stem": "كم يساوي س؟",
    "choices": ["1", "2", "3", "4"],
}


def test_away_from_a_terminal_each_question_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with screen_for(SHAPE) as screen:
        assert isinstance(screen, PlainScreen)
        screen.question_arrived(0, QUESTION, 0.5)
        screen.student_at(0, QUESTION)
        screen.student_at(1, QUESTION)
        screen.batch_ready(0, 3.25)

    assert capsys.readouterr().out.splitlines() == [
        "   0.50 s  question  1/96 written: quantitative, algebra, easy",
        "           the student comes to batch 1",
        "   3.25 s  batch 1/10 complete",
    ]


def test_on_a_terminal_the_batches_fill_up_and_the_student_sees_his_question() -> None:
    screen_text = io.StringIO()
    with LiveScreen(SHAPE, Console(file=screen_text, force_terminal=True, width=100)) as screen:
        screen.question_arrived(0, QUESTION, 0.5)
        screen.question_arrived(1, QUESTION, 0.8)
        screen.batch_ready(2, 3.25)
        screen.student_at(0, QUESTION)

    drawn = screen_text.getvalue()
    assert "◉" in drawn
    assert "●" in drawn
    assert "3.2 s" in drawn
    assert QUESTION["stem"] in drawn
