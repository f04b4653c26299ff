"""The rules for texts, each with its name, the sentence that states it to the model, and its check.

The prompt's list and the validator's checks are both this table, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from generation.rules.breaks import (
    has_latin_letters,
    has_latin_words,
    has_placeholder,
    mixes_digits,
    solution_ends_at_another_choice,
    solution_is_cut,
    solution_lacks_key,
    stem_is_cut,
    thinks_aloud,
)
from generation.rules.choices import (
    is_out_of_order,
    key_differs_in_form,
    key_gathers_shared_parts,
    key_is_far_longer,
    only_distractors_are_absolute,
    ranges_share_the_answer,
    refers_to_choices,
)
from generation.rules.disclosures import (
    Written,
    letters_choices,
    lists_choices,
    marks_a_choice,
    marks_key,
    names_a_choice,
    tells_key,
)
from generation.rules.signs import (
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
from generation.rules.stems import (
    asks_for_the_exception,
    key_alone_repeats_the_stem,
    negates_twice,
    stem_states_the_key,
)


class Severity(StrEnum):
    """What follows when a question breaks a rule."""

    REJECT = "reject"
    FLAG = "flag"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class TextRule:
    """`sentence` states to the model what `is_broken` finds; rules that share a sentence follow one another.

    A rule for what the program does, as the order of the choices, states nothing.
    """

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


def noted_rules(question: Written) -> tuple[TextRule, ...]:
    """Every rule that the question breaks and that does not reject it, in the order of the table."""
    lenient = (rule for rule in TEXT_RULES if rule.severity is not Severity.REJECT)
    return tuple(rule for rule in lenient if rule.is_broken(question))


def stated() -> str:
    """The list of the prompt: each sentence once, on a line of its own. Equal in every process."""
    return "\n".join(dict.fromkeys(f"- {rule.sentence}" for rule in TEXT_RULES if rule.sentence))


def _in_any_text(check: Callable[[str], bool]) -> Callable[[Written], bool]:
    return lambda question: any(map(check, question.texts))


_MARKUP: Final = "لا LaTeX ولا شرطة مائلة عكسية ولا $، ولا Markdown ولا HTML ولا رموز مثل &nbsp;؛ والسطر الجديد وحده يُكتب \\n."
_PLAIN: Final = "حروف عربية عادية بترتيب النطق، بلا علامات اتجاه ولا محارف خفية ولا أشكال عرض ولا حروف تالفة الترميز ولا حروف لغة أخرى ولا صور تعبيرية."
_ARABIC_ONLY: Final = "لا حروف لاتينية: المجاهيل س وص وع، ونقاط الأشكال أ وب وج، والوحدات بالعربية."
_WHOLE: Final = "السؤال تام والحل تام: لا ينقطع أحدهما في وسط جملة أو عملية."
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
    TextRule("latin_words", _ARABIC_ONLY, has_latin_words),
    TextRule("latin_letters", _ARABIC_ONLY, has_latin_letters, Severity.FLAG),
    TextRule("placeholder", _WHOLE, has_placeholder),
    TextRule("cut_stem", _WHOLE, stem_is_cut),
    TextRule("cut_solution", _WHOLE, solution_is_cut),
    TextRule(
        "self_talk",
        "لا تفكر بصوت مسموع: لا «دعني أعيد الحساب» ولا «أظن» ولا كلام عن كتابة السؤال.",
        thinks_aloud,
    ),
    TextRule(
        "solution_contradicts_key",
        "ينتهي الحل بالجواب الصحيح نفسه لا بخيار آخر.",
        solution_ends_at_another_choice,
    ),
    TextRule(
        "solution_lacks_key",
        "وآخر جملة في حل السؤال اللفظي فيها كلمات الجواب كلها.",
        solution_lacks_key,
        Severity.COUNT,
    ),
    TextRule(
        "catch_all_choice",
        "لا «جميع ما سبق» ولا «كلها صحيحة» ولا «غير ذلك» ولا «أ وب معًا» ولا ما يشبهها.",
        refers_to_choices,
    ),
    TextRule(
        "given_away", "لا تذكر في السؤال الجواب ولا العدد المطلوب قبل أن تسأل عنه.", stem_states_the_key
    ),
    TextRule(
        "overlapping_ranges",
        "إن كانت الخيارات فترات أو متباينات فالجواب في واحدة منها فقط.",
        ranges_share_the_answer,
    ),
    TextRule("key_length", "لا يكون الصحيح أطول من غيره طولًا ظاهرًا.", key_is_far_longer, Severity.FLAG),
    TextRule(
        "absolute_distractors",
        "لا تجعل «دائمًا» و«أبدًا» و«كل» وأمثالها في الخيارات الخاطئة وحدها.",
        only_distractors_are_absolute,
        Severity.FLAG,
    ),
    TextRule("double_negation", "لا نفيان في سؤال واحد.", negates_twice, Severity.FLAG),
    TextRule(
        "grammar_cue",
        "الخيارات سواء في التعريف والتذكير والتأنيث والعدد وصيغة المعدود.",
        key_differs_in_form,
        Severity.FLAG,
    ),
    TextRule(
        "convergence",
        "لا تجمع في الصحيح الأجزاء التي تكررت في غيره.",
        key_gathers_shared_parts,
        Severity.FLAG,
    ),
    TextRule(
        "stem_words_in_key",
        "لا تشترك مع السؤال كلمة في الخيار الصحيح وحده.",
        key_alone_repeats_the_stem,
        Severity.FLAG,
    ),
    TextRule("mixed_digits", "أرقام السطر كلها من نوع واحد: 0123456789.", mixes_digits, Severity.FLAG),
    TextRule(
        "exception_stem",
        "لا تسأل عن المستثنى («ما عدا»، «لم يرد») إن أمكن السؤال عن الشيء نفسه.",
        asks_for_the_exception,
        Severity.COUNT,
    ),
    TextRule("unordered_numbers", "", is_out_of_order, Severity.COUNT),
)
