"""What shows that a text was cut, that its writer thought aloud, or that its script is mixed.

Each function takes the whole question as the model wrote it. All patterns are linear in the length of the texts.
"""

from __future__ import annotations

import re
from typing import Final

from generation.model import COMPARISON_CHOICES, QuestionType
from generation.normalization import normalize
from generation.proof.expression import equal
from generation.proof.quantity import quantity_in
from generation.repeats.numbers import with_digits
from generation.rules.disclosures import Written


def stem_is_cut(question: Written) -> bool:
    """Whether the stem ends at a word that needs another, within quotation marks, or without an end."""
    stem = question.stem.rstrip()
    if not stem:
        return False
    if _DANGLING.search(stem) or stem.count("«") != stem.count("»"):
        return True
    if question.kind is None or question.kind in _UNPUNCTUATED:
        return False
    return not (_END.search(stem) or _QUESTION_MARK.search(stem) or _INSTRUCTION.search(stem))


def solution_is_cut(question: Written) -> bool:
    """Whether the solution ends at a word or sign that needs another, or without an end and without the key."""
    solution = question.explanation.rstrip()
    if _DANGLING.search(solution) or _OPERATOR_LAST.search(solution):
        return True
    if not question.choices or _SOLUTION_END.search(solution):
        return False
    last = normalize(solution)[-(len(question.choices[0]) + _NEAR_CHARS) :]
    return normalize(question.choices[0]) not in last


def has_placeholder(question: Written) -> bool:
    """Whether a text stands for one that is still to be written: "[نص السؤال]", "خيار 2", "..."."""
    if any(_STANDS_FOR_A_TEXT.search(normalize(text)) for text in question.texts):
        return True
    if any(_TO_BE_PUT_HERE.search(text) for text in question.texts):
        return True
    return any(_NO_CHOICE.fullmatch(normalize(choice)) for choice in question.choices) or any(
        choice.strip() and not any(sign.isalnum() for sign in choice) and _DOTS.search(choice)
        for choice in question.choices
    )


def thinks_aloud(question: Written) -> bool:
    """Whether the writer doubts, corrects themselves, or speaks of their task.

    People in a stem, and whom a text quotes, doubt and apologize as well.
    """
    stem, solution = (_QUOTED.sub("", text) for text in (question.stem, question.explanation))
    if _OF_THE_TASK.search(normalize(f"{stem}\n{solution}")) or _INTERJECTION.search(stem):
        return True
    if _INTERJECTION.search(solution) or _COURTESY.search(solution) or _I_SHALL.search(solution):
        return True
    words = normalize(solution)
    return _SELF_TALK.search(words) is not None or _DOUBT.search(words) is not None


def solution_ends_at_another_choice(question: Written) -> bool:
    """Whether the last words of the solution are a distractor, or another of the fixed four."""
    last = f" {normalize(question.explanation)}"
    choices = question.choices or (COMPARISON_CHOICES if question.kind is QuestionType.COMPARISON else ())
    key = normalize(question.key or (choices[0] if choices else ""))
    others = {normalize(choice) for choice in choices} - {key, ""}
    ends = [other for other in others if last.endswith((f" {other}", f"={other}"))]
    if ends and key:
        return not last.endswith((f" {key}", f"={key}"))
    return _result_is_another(question) or _only_a_distractor_is_reached(question)


def _result_is_another(question: Written) -> bool:
    """Whether the result after the solution's last equals sign is the number of a distractor, and not of the key."""
    found = _LAST_RESULT.search(question.explanation.rstrip(" .؟!"))
    result = quantity_in(found[1]) if found else None
    if result is None or not question.choices:
        return False
    key, *others = map(quantity_in, question.choices)
    if key is None or equal(key.written, result.written) or key.states(result):
        return False
    return any(other is not None and equal(other.written, result.written) for other in others)


def _only_a_distractor_is_reached(question: Written) -> bool:
    """Whether the solution's last result is a distractor's number, and the key's is nowhere in it. Whole numbers only."""
    solution = with_digits(normalize(question.explanation))
    results = _RESULTS.findall(solution)
    found = [_WHOLE_CHOICE.match(with_digits(normalize(choice))) for choice in question.choices]
    if not results or not found or found[0] is None:
        return False
    key, *others = (choice and choice[1] for choice in found)
    return results[-1] in others and key not in _NUMBERS.findall(solution)


def solution_lacks_key(question: Written) -> bool:
    """Whether the last sentence of a verbal question's solution has not all words of the key."""
    key = question.choices[0] if question.choices else ""
    words = [word for word in normalize(key).split() if word.isalpha()]
    if not words or _DIGIT.search(" ".join(question.choices)):
        return False
    sentences = [part for part in _SENTENCE_END.split(question.explanation) if part.strip()]
    last = normalize(sentences[-1]) if sentences else ""
    return not all(word in last for word in words)


def mixes_digits(question: Written) -> bool:
    """Whether the question has digits of two scripts."""
    text = " ".join(question.texts)
    return sum(digits.search(text) is not None for digits in (_WESTERN, _EASTERN, _PERSIAN)) > 1


def has_latin_words(question: Written) -> bool:
    """Whether stem, solution or a choice has a Latin word: no acronym, formula or unit, and not set in brackets."""
    texts = (question.stem, question.explanation, *question.choices)
    words = (found[0] for text in texts for found in _LATIN_WORD.finditer(_IN_BRACKETS.sub("", text)))
    return any(word not in _KNOWN_LATIN for word in words)


def has_latin_letters(question: Written) -> bool:
    """Whether stem, solution or a choice has Latin letters: a unit, an unknown, a point. A formula (CO₂) may stay."""
    texts = (question.stem, question.explanation, *question.choices)
    return any(found[0] not in _KNOWN_LATIN for text in texts for found in _LATIN.finditer(text))


#: For normalized text.
_STANDS_FOR_A_TEXT: Final = re.compile(r"(?<!\w)(?:lorem ipsum|لوريم ايبسوم|todo|tbd|placeholder|xxx+)(?!\w)")
_NO_CHOICE: Final = re.compile(
    r"(?:ال)?(?:خيار|اختيار|بديل|مشتت|choice|option)(?: (?:خاطي|خطا|صحيح)| ?[0-9a-dابجد])"
)
#: For a text as written.
_TO_BE_PUT_HERE: Final = re.compile(
    r"[\[<{]\s?(?:نص|ضع|اكتب|[أا]درج|هنا|السؤال|الحل|الشرح|القطعة|الجواب|الخيار|(?i:insert|text|stem|question|answer))(?!\w)"
    r"[^\]>}]{0,60}[\]>}]"
)
_DOTS: Final = re.compile(r"\.{2,}|…|_{2,}|^[-–—]+$")
_NEAR_CHARS: Final = 20
#: A number with the words of its unit.
_LAST_RESULT: Final = re.compile(r"=\s*([-−]?[\d./٫%٪√π]+(?:\s[^\d=،؛.\n]{1,30})?)$")
_SENTENCE_END: Final = re.compile(r"[.؟!](?:\s|$)")
_DIGIT: Final = re.compile(r"\d")
_NUMBERS: Final = re.compile(r"\d+(?:[.,/:]\d+)*°?")
#: For normalized text: a number after a sign or a word that says what comes out.
_RESULTS: Final = re.compile(
    r"(?:=|(?<!\w)[وف]?(?:اي|هو|هي|الناتج|النتيجه|الجواب|المطلوب|القيمه|[يت]ساوي|[يت]كون|نجد)) ?(\d+(?:[.,/:]\d+)*°?)(?![\d%(×÷*/+^-])"
)
_WHOLE_CHOICE: Final = re.compile(r"(\d+°?)(?![\d.,/:^*√π%+-])(?! \d)")
_UNPUNCTUATED: Final = frozenset({QuestionType.ANALOGY, QuestionType.ODD_WORD, QuestionType.COMPARISON})

#: A number may end an equation.
_SOLUTION_END: Final = re.compile('[.؟?!»"”)…\\]_0-9٠-٩%٪°²³]$')
_END: Final = re.compile('[.؟?!:؛»"”)…\\]_]$')
_QUESTION_MARK: Final = re.compile("[؟?]")
_INSTRUCTION: Final = re.compile(
    r"(?<!\w)(?:أوجد|اوجد|احسب|حدد|اختر|أكمل|اكمل|بيّن|رتب|قارن|استخرج|اذكر|عيّن|بسّط|حل المعادلة)(?!\w)"
)
#: Words that never end a sentence.
_DANGLING: Final = re.compile(
    r"(?<!\w)(?:من|في|على|إلى|الى|عن|بين|أن|إن|التي|الذي|الذين|إذا|لأن|ثم|أو|عند|بعد أن|قبل أن|لكن|حيث|وأما|أما|كل من|هو أن)[،,]?$"
)
_OPERATOR_LAST: Final = re.compile("[=+×÷*/<>−-]$")
_QUOTED: Final = re.compile("«[^«»]*»")
#: For normalized text, stem or solution.
_OF_THE_TASK: Final = re.compile(
    r"(?<!\w)(?:دعنا نعيد|لنعد الحساب|اعيد (?:الحساب|صياغه السوال)|نعيد الحساب|يجب تعديل|ينبغي تعديل|احتاج الي تعديل|نموذجا? لغويا?"
    r"|(?:طلب|يطلب|يريد|اراد) المستخدم|اكتب سوالا|الخيارات السابقه|الخانه (?:رقم|المطلوبه|\d)"
    r"|let me|wait|actually|hmm|as an ai)(?!\w)"
)
#: For normalized text, in a solution.
_SELF_TALK: Final = re.compile(
    r"(?<!\w)(?:دعني|لنراجع|لنتحقق مره|اعيد (?:النظر|المحاوله|كتابه|صياغه)|لنعد|لنجرب|اعتقد ان|ربما (?:كان )?(?:الجواب|الصواب|الصحيح|الناتج|الحل)"
    r"|سنغير|(?:حسب|بحسب|التزاما|خالفت?) التعليمات|التعليمات (?:تطلب|تنص|تقول|تمنع)|هل هذا صحيح|انتظر لحظه|لقد اخطات|اخطات (?:الحساب|في (?:الحساب|الحل))"
    r"|لست متاكدا?|غير متاكد|لا ادري|اظن ان|يبدو انني|ساكتب|ساختار|ساغير|ساعيد|ساصحح|ساجعل|بصفتي|طلب مني|هذه الخانه)(?!\w)"
)
#: As a clause of its own, or before one that goes on; as written.
_COURTESY: Final = re.compile(
    r"(?:^|[.!؟?…:،]\s*|\n|بل )(?:(?:مهل|عفو|عذر|حسن)(?:ًا|اً|ا)|(?:ال)?معذرة|[أا]خط[أا]ت)\s*(?:[.!؟?…:،]|$)"
)
#: As a sentence or a clause of its own; as written. A passenger waits, and a letter arrives in a moment.
_INTERJECTION: Final = re.compile(r"(?:^|[.!؟?…:،]\s*|\n)(?:لحظة|انتظر|آسف|أسف|اسف)\s*(?:[.!؟?…:،]|$)")
#: In a solution; a stem may tell of somebody who waits.
_DOUBT: Final = re.compile(
    r"(?<!\w)(?:هم{2,}|لنر|لنحاول|نحاول مره اخري|مره ثانيه نحسب|لا يطابق|لا يوافق (?:اي|الخيارات)|ليس (?:ضمن|بين|من) الخيارات"
    r"|غير موجود (?:في|ضمن|بين) الخيارات|نغير (?:الاعداد|المعطيات|الارقام|السوال)|لنغير|نعدل (?:السوال|المعطيات|الخيارات)|لنعدل|حسبت خطا"
    r"|خطا في (?:حسابي|الحساب)|نصحح|اتحقق|اراجع|اصحح|اعدل|افترض انني|قد يكون الجواب|ربما الجواب|علي الارجح|لا اعرف|لا اعلم|لا اتذكر|اري ان الجواب"
    r"|الاجابه المتوقعه|المطلوب مني|وفق التعليمات"
    r"|لا بل (?:الصحيح|الصواب|الجواب)|لا الصحيح|لا الصواب|(?:غيرت|عدلت|صححت) (?:ال)?(?:اعداد|ارقام|عدد|رقم|معطيات|سوال|خيارات|جواب|قيم|قيمه))(?!\w)"
)
#: A teacher says "we"; سأل is another word.
_I_SHALL: Final = re.compile(r"(?<!\w)[وف]?سأ(?![لم](?!\w)|ل[تهوناي])\w+")
_WESTERN: Final = re.compile("[0-9]")
_EASTERN: Final = re.compile("[٠-٩]")
_PERSIAN: Final = re.compile("[۰-۹]")
#: No formula (CO₂, H2O), degree (°C) or vitamin.
_LATIN: Final = re.compile("(?<![A-Za-z₀-₉°])(?<!فيتامين )[A-Za-z]+(?![A-Za-z₀-₉]|[0-9](?![A-Za-z0-9]))")
_LATIN_WORD: Final = re.compile("(?<![A-Za-z])[A-Z]?[a-z]{2}[A-Za-z]*")
_IN_BRACKETS: Final = re.compile(r"\([A-Za-z -]{1,40}\)")
#: Terms that have no Arabic form in use.
_KNOWN_LATIN: Final = frozenset(
    {"pH", "DNA", "RNA", "km", "cm", "mm", "kg", "mg", "ml", "am", "pm", "sin", "cos", "tan", "log"}
)
