"""What is stored is what was meant: a text that lost a letter, holds markup or tells the key becomes no question."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generation.model import COMPARISON_CHOICES, QuestionType
from generation.parser import QuestionParser
from generation.validator import Rejected
from tests.support.reply_lines import COLUMNS, PASSAGE, TRIANGLE, judged, question, reason


@pytest.mark.parametrize("command", ["times", "text", "theta", "tan", "triangle", "to", "ne", "notin", "nu"])
@pytest.mark.parametrize("part", ["q", "w"])
def test_a_latex_command_with_one_backslash_is_rejected_as_it_comes_from_json(
    command: str, part: str
) -> None:
    written = json.loads(f'"إذا كان 2س + 3 = 11 \\{command} 4 فما قيمة س؟"')
    assert reason(QuestionType.MCQ, **{part: written}) == "eaten_escape"


@pytest.mark.parametrize("command", ["frac", "beta", "rho", "bar", "begin", "rightarrow"])
def test_an_escape_that_gives_a_control_character_is_rejected_by_the_schema(command: str) -> None:
    written = json.loads(f'"ما قيمة \\{command} س؟"')
    assert reason(QuestionType.MCQ, q=written) == "wrong_stem"


def test_an_escape_that_json_does_not_have_breaks_the_object() -> None:
    parser = QuestionParser()
    assert parser.feed('{"slot": 4, "q": "\\sqrt{2}"}') == []
    assert parser.finish() == 1


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"q": "ما قيمة $\\frac{1}{2}$ من 8 بالأعداد؟"}, "latex"),
        ({"w": "**الحل:** 2س = 8 فتكون س = 4."}, "markdown"),
        ({"w": "2س = 8<br>فتكون س = 4."}, "html"),
        ({"w": "2س&nbsp;= 8 فتكون س = 4."}, "html"),
        ({"w": "2س = 8\\nفتكون س = 4."}, "literal_escape"),
        ({"q": "Ù…Ø§ Ù‚ÙŠÙ…Ø© س إذا كان ضعف العدد ثمانية؟"}, "broken_encoding"),
        ({"w": "إذن الإجابة (ج) لأن 2س = 8."}, "names_a_choice"),
        ({"w": "الخيار الثالث صحيح لأن 2س = 8."}, "names_a_choice"),
        ({"w": "2س = 8 ومنه نجد الناتج so option C is correct"}, "names_a_choice"),
        ({"q": "إذا كان 2س + 3 = 11 فما قيمة س؟ (الإجابة: 4)"}, "key_in_stem"),
        ({"q": "إذا كان 2س + 3 = 11 فما قيمة س؟ أ) 3 ب) 4 ج) 7 د) 14"}, "choices_in_stem"),
        ({"a": "4*"}, "marked_key"),
        ({"a": "4 (correct)"}, "marked_choice"),
        ({"q": "ما قيمة \u202e11\u202c ناقص سبعة بالأعداد؟"}, "direction_marks"),
        ({"q": "ما قيمة \u206711 ناقص سبعة بالأعداد؟"}, "direction_marks"),
        ({"q": "ما قيمة س\U000e0041\U000e007f إذا كان ضعفها ثمانية؟"}, "invisible_sign"),
        ({"q": "؟ةينامث اهفعض ناك اذإ س ةميق ام"}, "visual_order"),
    ],
)
def test_a_flawed_text_is_rejected_with_the_name_of_its_rule(parts: dict[str, Any], expected: str) -> None:
    assert reason(QuestionType.MCQ, **parts) == expected


def test_the_texts_of_a_figure_are_looked_at_too() -> None:
    for part in ({"heading": "زوار مكتبةٌ ةبتكم راوز"}, {"of": "ةبتكم راوز"}, {"by": "ةبتكم راوز"}):
        assert reason(QuestionType.CHART, f={**COLUMNS, **part}) == "visual_order"
    presentation = ["\ufe8d\ufef7\ufea3\ufeaa", "الاثنين"]
    assert reason(QuestionType.CHART, f={**COLUMNS, "labels": presentation}) == "presentation_forms"


@pytest.mark.parametrize(
    "text", ["زوار **مكتبة**", "\\theta", "زوار&nbsp;مكتبة", "<b>زوار</b>", "الأحد\u200b", "زوار\u202e"]
)
def test_no_text_of_a_figure_has_markup_or_an_invisible_sign(text: str) -> None:
    for part in ({"heading": text}, {"of": text}, {"by": text}, {"labels": [text, "الاثنين"]}):
        assert reason(QuestionType.CHART, f={**COLUMNS, **part}) == "figure_wrong_parameters"
    assert reason(QuestionType.DIAGRAM, f={**TRIANGLE, "points": text}) == "figure_wrong_parameters"
    assert reason(QuestionType.DIAGRAM, f={**TRIANGLE, "unit": text}) == "figure_wrong_parameters"


def test_a_flawed_passage_is_rejected_and_not_kept_for_its_group() -> None:
    assert reason(QuestionType.READING, p=PASSAGE.replace("الأفلاج", "**الأفلاج**")) == "markdown"


def test_a_comparison_is_not_held_to_rules_for_choices_that_it_does_not_write() -> None:
    assert question(QuestionType.COMPARISON, a="«القيمتان متساويتان»").choices == COMPARISON_CHOICES


def test_an_error_sentence_may_follow_its_question() -> None:
    sentence = "ما الكلمة الخطأ؟ حين «تتضافر» الجهود و«تتوحد» الأهداف «يتعثر» المشروع، ويبلغ «غايته»."
    assert not isinstance(judged(QuestionType.ERROR, q=sentence), Rejected)
