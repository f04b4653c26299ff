"""Choices that speak of the other choices: جميع ما سبق, لا شيء منها, غير ذلك, أ وب معًا.

Such a choice has no words of its own: it consists of quantifiers, negations, words for choices and for what was
said. So each word is one sign, its sort, and the signs of the whole choice are matched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from generation.normalization import normalize


def refers_to_other_choices(choice: str) -> bool:
    """Whether the whole choice speaks of other choices. Linear in its length."""
    words = normalize(choice).split()
    return len(words) <= _MOST_WORDS and _SHAPE.fullmatch("".join(_sorts(words))) is not None


def _sorts(words: list[str]) -> Iterator[str]:
    for word in words:
        sort = _SORT_OF.get(word)
        joined = None if sort or not word.startswith(("و", "ف")) else _SORT_OF.get(word[1:])
        yield sort or (f"w{joined}" if joined else _UNKNOWN)


_MOST_WORDS: Final = 10
_UNKNOWN: Final = "?"

#: By sort: its words; a hyphen stands for the article, which may be there.
_WORDS: Final[Mapping[str, str]] = {
    "a": "كل جميع كافه اي ايا بعض معظم اكثر",  # all, any
    "A": "كلها كلهم كلهن كله جميعها جميعهم جميعهن كلاهما كلتاهما كليهما الكل الجميع",  # all of them
    "b": "كلا كلتا كلي كلتي",  # both of
    "n": "لا ليس ليست لم غير سوي خلاف بخلاف عدا بلا باستثناء",  # no, other than
    "N": "غيرها سواها خلافها",  # others
    "o": "شيء احد واحد واحده واحدا",  # one
    "c": "-اجابه -اجابات -اجابتان -اجابتين -اجوبه -جواب -جوابان -جوابين -خيار -خيارات -خياران -خيارين -بديل "
    "-بديلان -بدايل -اختيار -اختيارات -اختياران -احتمالات الحالات",  # a word for choices
    "i": "العبارات القيم الاعداد الكلمات المعاني الاسباب الامور الاشياء الاقوال الازواج النتايج الارقام الحلول الجمل "
    "الامرين القولين السابقتين",  # what choices are
    "m": "سبق ذكر تقدم ورد مضي مر قيل جاء اشير اليه ذكره اعلاه -سابق -سابقه -سابقين المذكور المذكوره المذكورين "
    "الوارد الوارده المتقدم المتقدمه ياتي يلي الاتي الاتيه التالي التاليه سابقا",  # said before
    "d": "هذا هذه ذلك تلك ذاك هولاء",
    "p": "منها منهم منهن منه بينها بينهم فيها",
    "r": "ما مما من بين في ضمن ان",
    "v": "صحيح صحيحه صحيحان صحيحتان صحيحات خاطي خاطيه خاطيات خطا صواب مناسب مناسبه ممكن ممكنه موجود موجوده "
    "مقبول مقبوله يصح تصح ينطبق تنطبق يوجد توجد هناك معا فقط جميعا جميعه",  # the verdict
    "s": "قيمه عدد رقم ناتج حل امر نسبه معني كلمه",
    "x": "اخر اخري",
    "l": "ا ب ج د",
    "t": "الاول الاولي الثاني الثانيه الثالث الثالثه الرابع الرابعه الاخير الاخيره",
    "g": "1 2 3 4",
    "h": "الثلاث الاثنان الاثنين الاثنتان الثلاثه الاربعه",
    "w": "و او",
}


def _sort_of_words() -> Mapping[str, str]:
    sorts: dict[str, str] = {}
    for sort, words in _WORDS.items():
        for word in words.split():
            forms = (f"ال{word[1:]}", word[1:]) if word.startswith("-") else (word,)
            sorts |= dict.fromkeys(map(normalize, forms), sort)
    return sorts


_SORT_OF: Final = _sort_of_words()
_REST: Final = "[aAnocimdprvlthw]*"
_SHAPE: Final = re.compile(
    rf"w?(?:a[rdo]*(?:[mcp]|im|di|d$|lw+l|tw+t){_REST}(?:r[?])?"  # all of what was said, of these choices, of these numbers
    rf"|A{_REST}"
    rf"|b[ci]{_REST}"
    rf"|r?m{{1,3}}A{_REST}|rm{_REST}"
    rf"|im{_REST}|c(?:m|A|nv|vA?$|[th]|lw){_REST}|cg(?:w*g)+v*"
    rf"|N|n[aordv]*(?:[mcp]|di|d$|dr[?i]$|sv){_REST}"
    r"|[cso]x|c?[lt](?:w+[lt])+v*|hv+|n?dw*n?d)"
)
