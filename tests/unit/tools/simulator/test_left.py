from __future__ import annotations

import hashlib

from tools.simulator.left import whole_lines


def test_a_whole_question_is_told_by_its_stem_and_solution_and_what_is_none_by_nothing() -> None:
    text = '{"slot":1,"q":"س","w":"ح","a":"1"}\nnot a question\n{"slot":2,"q":"ب'
    first, second = whole_lines(text, 2)
    assert first.question == hashlib.sha256("س\nح".encode()).hexdigest()
    assert second.question == ""
    assert first.tokens > 0
    assert whole_lines(text, 0) == ()
