"""The rules for texts, each with its name, the sentence that states it to the model, and its check.

The prompt's list and the validator's checks are both this table, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from generation.disclosures import (
    Written,
    letters_choices,
    lists_choices,
    marks_a_choice,
    marks_key,
    names_a_choice,
    tells_key,
)
from generation.text_signs import (
    has_foreign_sign,
    has_html,
    has_invisible,
    has_latex,
    has_literal_escape,
    has_markdown,
    has_presentation_forms,
    has_stray_direction,
    is_in_visual_order,
    is_wrongly_encoded,
    lost_a_letter,
)


class Severity(StrEnum):
    """What follows when a question breaks a rule."""

    REJECT = "reject"
    FLAG = "flag"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class TextRule:
    """`sentence` states to the model what `is_broken` finds; rules that share a sentence follow one another."""

    name: str  #: stable snake_case, the reason of a rejection
    sentence: str
    is_broken: Callable[[Written], bool]
    severity: Severity = Severity.REJECT


def broken_rules(question: Written) -> list[TextRule]:
    """Every rule that the question breaks, in the order of the table."""
    return [rule for rule in TEXT_RULES if rule.is_broken(question)]


def rejecting_rule(question: Written) -> TextRule | None:
    """The first rule for which the question is to be rejected, or None."""
    rejecting = (rule for rule in TEXT_RULES if rule.severity is Severity.REJECT)
    return next((rule for rule in rejecting if rule.is_broken(question)), None)


def stated() -> str:
    """The list of the prompt: each sentence once, on a line of its own. Equal in every process."""
    return "\n".join(dict.fromkeys(f"- {rule.sentence}" for rule in TEXT_RULES))


def _in_any_text(check: Callable[[str], bool]) -> Callable[[Written], bool]:
    return lambda question: any(map(check, question.texts))


_MARKUP: Final = "لا LaTeX ولا شرطة مائلة عكسية ولا $، ولا Markdown ولا HTML ولا رموز مثل &nbsp;؛ والسطر الجديد وحده يُكتب \\n."
_PLAIN: Final = "حروف عربية عادية بترتيب النطق، بلا علامات اتجاه ولا محارف خفية ولا أشكال عرض ولا حروف تالفة الترميز ولا حروف لغة أخرى ولا صور تعبيرية."
_UNMARKED: Final = (
    "الخيارات الأربعة بلا علامة ولا تعليق: لا يتميز الصحيح بنجمة ولا نقطة ولا قوس ولا بكلمة «صحيح»."
)

TEXT_RULES: Final[tuple[TextRule, ...]] = (
    TextRule("eaten_escape", _MARKUP, _in_any_text(lost_a_letter)),
    TextRule("literal_escape", _MARKUP, _in_any_text(has_literal_escape)),
    TextRule("latex", _MARKUP, _in_any_text(has_latex)),
    TextRule("markdown", _MARKUP, _in_any_text(has_markdown)),
    TextRule("html", _MARKUP, _in_any_text(has_html)),
    TextRule("broken_encoding", _PLAIN, _in_any_text(is_wrongly_encoded)),
    TextRule("foreign_sign", _PLAIN, _in_any_text(has_foreign_sign)),
    TextRule("direction_marks", _PLAIN, _in_any_text(has_stray_direction)),
    TextRule("invisible_sign", _PLAIN, _in_any_text(has_invisible)),
    TextRule("presentation_forms", _PLAIN, _in_any_text(has_presentation_forms)),
    TextRule("visual_order", _PLAIN, _in_any_text(is_in_visual_order)),
    TextRule(
        "names_a_choice",
        "البرنامج يخلط الخيارات، فلا تذكر في السؤال ولا في الحل رقم خيار ولا حرفه ولا موضعه: لا «الخيار الثالث» ولا «(ج)».",
        names_a_choice,
    ),
    TextRule("key_in_stem", "لا تذكر الجواب في السؤال.", tells_key),
    TextRule("choices_in_stem", "لا تسرد الخيارات في السؤال إلا حيث يطلبها نوعه.", lists_choices),
    TextRule("lettered_choice", "لا تسبق خيارًا بحرف ولا رقم.", letters_choices),
    TextRule("marked_choice", _UNMARKED, marks_a_choice),
    TextRule("marked_key", _UNMARKED, marks_key),
)
