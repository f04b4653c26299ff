from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from tools.demo.costs import Price
from tools.demo.live_screen import LiveScreen
from tools.demo.screen import PlainScreen, screen_for
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


def test_on_a_terminal_the_batches_fill_up_and_the_student_sees_their_question() -> None:
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


PRICES = {0: Price(Decimal(41_000), read=0, written=5000), 1: Price(Decimal(22_000), read=5000)}


def drawn(height: int = 40, width: int = 110) -> str:
    """The last picture of an exam whose second batch is written ahead."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, height=height, color_system=None)
    screen = LiveScreen(SHAPE, console)
    screen.question_arrived(0, QUESTION, 3.61)
    screen.batch_ready(0, 4.6)
    screen.student_at(6, QUESTION)
    screen.batch_requested(1, 10.0, ahead=True)
    screen.question_arrived(10, QUESTION, 12.0)
    screen.batch_requested(1, 13.0, ahead=False)
    screen.prices(PRICES)
    console.print(screen.drawn())
    return out.getvalue()


def test_the_picture_shows_prefetch_price_cache_and_the_students_place() -> None:
    lines = drawn().splitlines()

    assert "complete in 4.6 s" in lines[1]
    assert "$0.04" in lines[1]
    assert "1 of 10 written, ahead" in lines[2]
    assert "100%" in lines[2]
    assert any("student" in line and "7/96" in line and "$0.06, cache hit rate 50%" in line for line in lines)
    assert any("first question after 3.6 s" in line for line in lines)


@pytest.mark.parametrize(("height", "has_question"), [(40, True), (24, True), (20, False)])
def test_the_picture_fits_the_height_of_the_terminal(height: int, has_question: bool) -> None:
    picture = drawn(height)

    assert len(picture.splitlines()) <= height
    assert (QUESTION["stem"] in picture) == has_question
    assert "10     verbal" in picture


def test_a_batch_requested_ahead_and_the_price_so_far_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen(SHAPE)
    screen.prices(PRICES)
    screen.batch_requested(1, 10.0, ahead=True)
    screen.batch_requested(2, 11.0, ahead=False)
    screen.batch_ready(1, 12.5)

    assert capsys.readouterr().out.splitlines() == [
        "  10.00 s  batch 2 is requested ahead of the student",
        "  12.50 s  batch 2/10 complete; $0.06 so far",
    ]
