"""One good reply line of every question type, and the validator's verdict on it with parts changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

from generation.model import (
    Difficulty,
    EarlierQuestion,
    Question,
    QuestionType,
    Slot,
    Topic,
)
from generation.repeats.seen import Seen
from generation.validator import Accepted, Rejected, Validator

PASSAGE: Final = (
    "عرفت واحات كثيرة في الجزيرة العربية الأفلاج قبل قرون طويلة، وهي قنوات تحفر بميل يسير من بئر عند سفح الجبل "
    "حتى تبلغ المزارع، فيجري فيها الماء من غير آلة ترفعه. وكانت تفتح على امتداد القناة فتحات متتابعة ينزل منها "
    "العمال لإزالة ما يترسب من الطين، فإن أهملت سنوات قليلة انقطع الجريان وجفت المزارع كلها."
)
OTHER_PASSAGE: Final = (
    "يهاجر كثير من الطيور كل عام آلاف الكيلومترات بين مواطن التكاثر ومواطن الشتاء، مهتديًا بالشمس والنجوم وبما "
    "يحسه من مجال الأرض. ويقطع بعضها البحر في طيران متصل أيامًا، لا يأكل ولا يشرب، معتمدًا على ما ادخره من دهن "
    "قبل الرحيل، ثم يعود في الربيع إلى العش الذي غادره كأنه لم يفارقه قط."
)
TRIANGLE: Final = {
    "pattern": "right-triangle",
    "base": 12,
    "height": 9,
    "unit": "م",
    "points": "بجأ",
    "ask": ["perimeter"],
}
COLUMNS: Final = {
    "pattern": "bar-chart",
    "heading": "زوار مكتبة",
    "labels": ["الأحد", "الاثنين"],
    "values": [120, 90],
}

#: One good reply line a type, beside the topic it is asked under.
GOOD: Final[Mapping[QuestionType, tuple[Topic, dict[str, Any]]]] = {
    QuestionType.MCQ: (
        Topic.ALGEBRA,
        {"q": "إذا كان 2س + 3 = 11 فما قيمة س؟", "w": "2س = 8 فتكون س = 4.", "a": "4", "d": ["3", "7", "14"]},
    ),
    QuestionType.COMPARISON: (
        Topic.ALGEBRA,
        {
            "q": "القيمة الأولى: 25% من 360\nالقيمة الثانية: 90% من 100",
            "w": "ربع 360 هو 90، و90% من 100 هي 90.",
            "a": "القيمتان متساويتان",
        },
    ),
    QuestionType.DIAGRAM: (
        Topic.GEOMETRY,
        {
            "q": "ما محيط المثلث المرسوم؟",
            "f": TRIANGLE,
            "w": "الوتر 15، والمحيط 36.",
            "a": "36",
            "d": ["21", "42", "54"],
        },
    ),
    QuestionType.CHART: (
        Topic.STATISTICS,
        {
            "q": "كم يزيد زوار الأحد على الاثنين؟",
            "f": COLUMNS,
            "w": "الفرق 120 − 90 = 30.",
            "a": "30",
            "d": ["20", "90", "210"],
        },
    ),
    QuestionType.READING: (
        Topic.READING_COMPREHENSION,
        {
            "p": PASSAGE,
            "q": "لماذا كانت تفتح فتحات على امتداد القناة؟",
            "w": "ينزل منها العمال لإزالة الطين، أي لتنظيف القناة.",
            "a": "لتنظيف القناة",
            "d": ["لقسمة الماء", "لرفع الماء", "لضبط الوقت"],
        },
    ),
    QuestionType.ANALOGY: (
        Topic.ANALOGY,
        {
            "q": "مقص : قص",
            "w": "المقص أداة القص، والميزان أداة الوزن.",
            "a": "ميزان : وزن",
            "d": ["خشب : نجارة", "طباخ : طبخ", "قلم : حبر"],
        },
    ),
    QuestionType.COMPLETION: (
        Topic.SENTENCE_COMPLETION,
        {
            "q": "كلما اتسعت معارف الإنسان ازداد (......)، لأنه يدرك سعة ما يجهله.",
            "w": "إدراك سعة المجهول تواضع.",
            "a": "تواضعًا",
            "d": ["غرورًا", "انعزالًا", "إسرافًا"],
        },
    ),
    QuestionType.ERROR: (
        Topic.CONTEXT_ERROR,
        {
            "q": "حين «تتضافر» الجهود و«تتوحد» الأهداف «يتعثر» المشروع، ويبلغ «غايته» في موعده.",
            "w": "تضافر الجهود قرينة النجاح، فالمناسب يتقدم.",
            "a": "يتعثر",
            "d": ["تتضافر", "تتوحد", "غايته"],
        },
    ),
    QuestionType.ODD_WORD: (
        Topic.ASSOCIATION_DIFFERENCE,
        {
            "q": "ما الكلمة المختلفة: قمح، عدس، شعير، ذرة؟",
            "w": "القمح والشعير والذرة حبوب، والعدس بقل.",
            "a": "عدس",
            "d": ["قمح", "شعير", "ذرة"],
        },
    ),
}
TYPES = st.sampled_from(QuestionType)


def slot_for(kind: QuestionType, *, position: int = 4, key_index: int = 2, group: int = 1) -> Slot:
    topic = GOOD[kind][0]
    return Slot(
        position=position,
        batch_index=0,
        sequence=position + 1,
        section=topic.section,
        topic=topic,
        subtopic="موضوع",
        question_type=kind,
        difficulty=Difficulty.MEDIUM,
        angle="سوق",
        key_index=None if kind is QuestionType.COMPARISON else key_index,
        passage_group=group if kind is QuestionType.READING else None,
    )


def line(kind: QuestionType, *, position: int = 4, **parts: Any) -> dict[str, Any]:
    return {"slot": position, **GOOD[kind][1], **parts}


def validator_for(
    *slots: Slot, earlier: tuple[EarlierQuestion, ...] = (), passages: dict[int, str] | None = None
) -> Validator:
    return Validator(slots, seen=Seen(earlier), seed=1, passages=passages)


def judged(kind: QuestionType, **parts: Any) -> Accepted | Rejected:
    return validator_for(slot_for(kind)).judge(line(kind, **parts))


def reason(kind: QuestionType, **parts: Any) -> str:
    verdict = judged(kind, **parts)
    assert isinstance(verdict, Rejected), "was accepted"
    assert verdict.position == 4
    return verdict.reason


def question(kind: QuestionType, **parts: Any) -> Question:
    verdict = judged(kind, **parts)
    assert isinstance(verdict, Accepted), verdict
    return verdict.question
