"""Faults of the labelled set, planted in a sound question: what a careless writer might send instead.

A planter takes a question in the reply's form and returns it with one fault, or None where the fault does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

Question = dict[str, Any]
Planter = Callable[[Question], Question | None]


def planted(question: Question, kinds: tuple[str, ...], rng: Random) -> Question:
    """The question with one of these kinds of fault that fits it, or as it is when none does."""
    for kind in rng.sample(kinds, len(kinds)):
        faulty = PLANTERS[kind](question)
        if faulty is not None and faulty != question:
            return faulty
    return question


def _stem(change: Callable[[str], str]) -> Planter:
    return lambda question: question | {"q": change(question["q"])}


def _solution(change: Callable[[str], str]) -> Planter:
    return lambda question: question | {"w": change(question["w"])}


def _distractor(change: Callable[[Question], str | None]) -> Planter:
    """Another last distractor; None: the fault does not fit."""

    def plant(question: Question) -> Question | None:
        other = change(question) if "d" in question else None
        return None if other is None else question | {"d": [*question["d"][:2], other]}

    return plant


def _key(change: Callable[[str], str | None]) -> Planter:
    def plant(question: Question) -> Question | None:
        key = change(question["a"]) if "d" in question else None
        return None if key is None else question | {"a": key}

    return plant


def _same_value(question: Question) -> str | None:
    found = re.fullmatch(r"(\d+)( .+)?", question["a"])
    return f"{2 * int(found[1])}/2{found[2] or ''}" if found else None


def _words_of_key(question: Question) -> Question | None:
    if "d" not in question or not question["a"].isalpha():
        return None
    return question | {"q": f"{question['q']} علمًا بأن الجواب: {question['a']}."}


def _absolutes(question: Question) -> Question | None:
    if "d" not in question or any(map(str.isdigit, question["a"])) or ":" in question["a"]:
        return None
    return question | {"d": [f"{choice} دائمًا" for choice in question["d"]]}


def _two_sorts_of_digits(question: Question) -> Question | None:
    eastern = re.sub(r"\d", lambda digit: "٠١٢٣٤٥٦٧٨٩"[int(digit[0])], question["w"])
    has_digits = re.search(r"\d", question["q"]) and eastern != question["w"]
    return question | {"w": eastern} if has_digits else None


def _other_end(question: Question) -> Question | None:
    if "d" not in question:
        return None
    return question | {"w": f"{question['w'].rpartition('إذن')[0]}فالجواب {question['d'][0]}"}


def _other_key(question: Question) -> Question | None:
    if "d" not in question:
        return None
    return question | {"a": question["d"][0], "d": [question["a"], *question["d"][1:]]}


def _other_passage(question: Question) -> Question | None:
    text = "تُصنع السلال من سعف النخل بعد نقعه وتشقيقه وتلوينه، ثم تُجدل حلقة فوق حلقة حتى تعلو جدرانها. وكانت كل أسرة تعرف بنقشها، فتُباع السلال في السوق ويعرف المشتري صانعها قبل أن يسأل عنها، ويختار ما اعتاد بيته عليه."
    return question | {"p": text} if "p" in question else None


def _article_of_key(question: Question) -> Question | None:
    """The article before the key alone; a key that stands in its stem, as a word of a sentence does, stays."""
    key = question["a"]
    choices = [key, *question.get("d", [])]
    are_bare_words = all(choice.isalpha() and not choice.startswith("ال") for choice in choices)
    if "d" not in question or not are_bare_words or key in question["q"]:
        return None
    return question | {"a": f"ال{key}", "w": question["w"].replace(f"{key}.", f"ال{key}.")}


def _parts_of_key_recur(question: Question) -> Question | None:
    """Of pairs of words: each distractor shares a part with the key, and no two share as much with the others."""
    pairs = [choice.split(" - ") for choice in (question["a"], *question.get("d", []))]
    if len(pairs) == 1 or {len(pair) for pair in pairs} != {2}:
        return None
    (first, second), one, another, last = pairs
    return question | {
        "d": [f"{first} - {one[1]}", f"{another[0]} - {second}", f"{first} - {last[1]}"],
    }


def _beyond_chart(question: Question) -> Question | None:
    """Asks for the value after the chart's last one."""
    chart = question.get("f", {})
    if "values" not in chart:
        return None
    asked = {"ask": [f"value_{len(chart['values']) + 1}"]}
    stem = f"{question['q']} وما القيمة التي تلي «{chart['labels'][-1]}»؟"
    return question | {"q": stem, "f": chart | asked}


#: By the names of the labelled set. Repeats, impossible figures and what the program does have rates of their own:
#: `order` is the program's, because it shuffles the choices, whatever their order in the reply.
PLANTERS: Final[Mapping[str, Planter]] = {
    "equal_value": _distractor(_same_value),
    "catch_all": _distractor(lambda _: "جميع ما سبق"),
    "overlap": lambda question: (
        question | {"a": "أكثر من 5", "d": ["أكثر من 3", "أقل من 2", "أقل من 1"]}
        if question.get("a", "").isdigit() and "d" in question
        else None
    ),
    "key_length": _key(
        lambda key: None if re.search(r"[\d:]", key) else f"{key} كما يظهر بوضوح تام من سائر الكلام"
    ),
    "absolute": _absolutes,
    "negative_stem": _stem(lambda stem: f"{stem} أي الأجوبة ليس جوابًا غير صحيح؟"),
    "grammar_cue": _article_of_key,
    "convergence": _parts_of_key_recur,
    "stem_words_in_key": _stem(lambda stem: stem.replace("؟", " مع المستطيلات؟")),
    "given_away": _words_of_key,
    "key_marked": _key(lambda key: f"{key} ✓"),
    "markup": _stem(lambda stem: f"**{stem}**"),
    "mixed_digits": _two_sorts_of_digits,
    "bidi": _stem(lambda stem: f"\u202e{stem}"),
    "latin": _stem(lambda stem: f"The question: {stem}"),
    "mojibake": _stem(lambda stem: stem.encode().decode("cp1252", "replace")),
    "cut_stem": _stem(lambda stem: f"{stem[: len(stem) // 2].rstrip()} التي"),
    "cut_solution": _solution(lambda solution: f"{solution[: len(solution) // 2].rstrip()} لأن"),
    "self_talk": _solution(lambda solution: f"دعني أعيد الحساب. {solution}"),
    "choice_letter": _solution(lambda solution: f"{solution} فالخيار الصحيح هو (ج)."),
    "contradiction": _other_end,
    "wrong_key": _other_key,
    "unrelated_passage": _other_passage,
    "chart_lacks_answer": _beyond_chart,
    "two_right": _distractor(lambda question: f"{question['a']} نفسه"),
    "implausible": _distractor(lambda question: "999999" if question["a"].isdigit() else None),
}
