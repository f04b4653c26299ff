"""The labelled set keeps its own promises: form, counts, frames, and keys that the declared expressions prove."""

from __future__ import annotations

import ast
import json
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from generation.model import COMPARISON_CHOICES, QuestionType, Section, Topic
from generation.schema import DraftQuestion

FOLDER: Final = Path(__file__).parents[2] / "labelled"
FIRST, SECOND, EQUAL, UNKNOWN = COMPARISON_CHOICES
MAX_ITEMS_A_FRAME: Final = 3
#: Chosen so that the untouched part holds a fair share of every kind.
SALT: Final = 8295
CLEAN: Final = {"clean", "clean_suspicious"}
SEVERITIES: Final = {"reject", "flag", "count", "none"}
SEEN_BY: Final = {"rule", "repeats", "evaluator", "answer_check", "nobody"}
FIGURED: Final = {QuestionType.DIAGRAM, QuestionType.CHART}
#: A stand-in for the symbol: both sides of every comparison use the same one.
PI: Final = Fraction("3.14159265358979323846264338327950288")
TOLERANCE: Final = Fraction(1, 10**15)
NUMBER: Final = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?(?:√\d+)?π?")
ASCII_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩٫−", "0123456789.-")
VERBAL: Final = {topic.value for topic in Topic if topic.section is Section.VERBAL}

Item = dict[str, Any]


@cache
def every_item() -> tuple[Item, ...]:
    """All items, in the order of the files' names."""
    lines = (line for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines())
    return tuple(json.loads(line) for line in lines)


def kinds(*names: str) -> list[Item]:
    return [item for item in every_item() if item["kind"] in names]


def faulty(items: Iterable[Item], is_sound: Callable[[Item], bool]) -> list[str]:
    """The ids of the items that are not sound: a test that finds none names all that it found."""
    return [item["id"] for item in items if not is_sound(item)]


def square_root(value: Fraction) -> Fraction:
    """Exact for a square of a rational, otherwise to thirty digits."""
    exact = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return exact if exact**2 == value else Fraction(math.isqrt(int(value * 10**60)), 10**30)


OPERATORS: Final[dict[type[ast.AST], Callable[..., Fraction]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}
FUNCTIONS: Final[dict[str, Callable[..., Fraction]]] = {"sqrt": square_root, "max": max}


def value_of(expression: str) -> Fraction:
    """The value of plain arithmetic: + - * / % ** with sqrt, max and pi; decimals are read exactly."""
    return _value(ast.parse(expression, mode="eval").body, expression)


def _value(node: ast.AST, text: str) -> Fraction:
    match node:
        case ast.Constant():
            return Fraction(ast.get_source_segment(text, node) or "")
        case ast.Name(id="pi"):
            return PI
        case ast.UnaryOp(op=op, operand=operand):
            return OPERATORS[type(op)](_value(operand, text))
        case ast.BinOp(left=left, op=op, right=right):
            return Fraction(OPERATORS[type(op)](_value(left, text), _value(right, text)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*(_value(arg, text) for arg in args))
    raise ValueError(f"{text} is more than plain arithmetic")


def number_in(choice: str) -> Fraction | None:
    """The first number of a choice; None for a choice in words."""
    found = NUMBER.search(choice.translate(ASCII_DIGITS))
    if found is None:
        return None
    text = found[0].replace(",", "").replace("π", "*pi")
    return value_of(re.sub(r"√(\d+)", r"*sqrt(\1)", text))


def equal(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) < TOLERANCE


def proved_answer(declared: Item) -> str:
    """The answer of a comparison that the declared values prove."""
    if "assignments" in declared:
        return (
            UNKNOWN if len({_order(given) for given in declared["assignments"]}) > 1 else "nothing is proved"
        )
    return _order(declared)


def _order(values: Item) -> str:
    first, second = value_of(values["first"]), value_of(values["second"])
    return EQUAL if equal(first, second) else FIRST if first > second else SECOND


def falls_into_the_third(frame: str) -> bool:
    """Decided by the frame, so that an item in the tuned part has no sibling in the untouched one."""
    return int(sha256(f"{SALT}:{frame}".encode()).hexdigest(), 16) % 3 == 0


def is_labelled(item: Item) -> bool:
    return (
        item["severity"] in SEVERITIES
        and item["seen_by"] in SEEN_BY
        and (item["severity"] == "none") is (item["kind"] in CLEAN)
        and item["reason"].endswith(".")
    )


def is_complete(item: Item) -> bool:
    """Whether a writer could have sent the question for its slot."""
    question, kind = item["question"], item["slot"]["type"]
    DraftQuestion.model_validate({"slot": 0, **question})
    return (
        len(question.get("d", [])) == (0 if kind == "comparison" else 3)
        and ("p" in question) is (kind == "reading")
        and (kind != "comparison" or question["a"] in COMPARISON_CHOICES)
    )


def choices_of(question: Item) -> list[str]:
    return [question["a"], *question.get("d", [])]


def ends_with_the_key(item: Item) -> bool:
    return bool(item["question"]["w"].rstrip(".").endswith(item["question"]["a"]))


def key_has_the_value(item: Item) -> bool:
    """Also true of a key in words, which this test cannot read."""
    key = number_in(item["question"]["a"])
    return key is None or equal(key, value_of(item["declared"]["value"]))


def declared(name: str, *names: str) -> list[Item]:
    return [item for item in kinds(*names) if name in item.get("declared", {})]


def test_ids_are_unique() -> None:
    assert [name for name, times in Counter(item["id"] for item in every_item()).items() if times > 1] == []


def test_no_question_stands_twice() -> None:
    texts = Counter(json.dumps(item["question"], sort_keys=True) for item in every_item())
    assert max(texts.values()) == 1


def test_there_are_enough_items_of_each_sort() -> None:
    clean, suspicious = len(kinds(*CLEAN)), len(kinds("clean_suspicious"))
    assert clean >= 250
    assert suspicious * 3 >= clean
    assert len(every_item()) - clean >= 350


def test_every_type_and_topic_has_clean_items() -> None:
    slots = {(item["slot"]["type"], item["slot"]["topic"]) for item in kinds(*CLEAN)}
    assert {kind for kind, _ in slots} == {kind.value for kind in QuestionType if kind not in FIGURED}
    assert {topic for _, topic in slots} == {topic.value for topic in Topic}
    quantitative = {topic.value for topic in Topic if topic.section is Section.QUANTITATIVE}
    assert {topic for kind, topic in slots if kind == "comparison"} == quantitative


def test_at_most_three_items_share_a_frame() -> None:
    frames = Counter(item["frame"] for item in every_item())
    assert {name: count for name, count in frames.items() if count > MAX_ITEMS_A_FRAME} == {}


def test_the_untouched_third_is_fixed_by_a_hash_and_holds_items_of_every_kind() -> None:
    assert faulty(every_item(), lambda item: item["untouched"] is falls_into_the_third(item["frame"])) == []
    share = sum(item["untouched"] for item in every_item()) / len(every_item())
    assert 0.28 < share < 0.39
    assert {item["kind"] for item in every_item() if item["untouched"]} == {
        item["kind"] for item in every_item()
    }


def test_every_item_is_labelled() -> None:
    assert faulty(every_item(), is_labelled) == []


def test_every_question_is_one_that_a_writer_could_send() -> None:
    assert faulty(every_item(), is_complete) == []


def test_an_item_against_another_names_a_clean_one() -> None:
    clean = {item["id"] for item in kinds(*CLEAN)}
    against = [item for item in every_item() if "against" in item]
    assert faulty(against, lambda item: item["against"] in clean - {item["id"]}) == []
    assert {item["kind"] for item in against} >= {
        item["kind"] for item in every_item() if item["seen_by"] == "repeats"
    }


def test_the_choices_of_a_clean_item_differ() -> None:
    assert (
        faulty(kinds(*CLEAN), lambda item: len(set(texts := choices_of(item["question"]))) == len(texts))
        == []
    )


def test_choices_as_shown_are_the_key_and_the_distractors() -> None:
    shown = [item for item in every_item() if "choices" in item["question"]]
    assert {item["kind"] for item in shown} == {"order"}
    assert (
        faulty(
            shown, lambda item: sorted(item["question"]["choices"]) == sorted(choices_of(item["question"]))
        )
        == []
    )


def test_the_solution_of_a_clean_verbal_item_ends_with_the_key() -> None:
    verbal = [item for item in kinds(*CLEAN) if item["slot"]["topic"] in VERBAL]
    assert faulty(verbal, ends_with_the_key) == []


def test_a_contradicting_solution_does_not_end_with_the_key() -> None:
    assert faulty(kinds("contradiction"), lambda item: not ends_with_the_key(item)) == []


def test_an_expression_has_the_declared_value() -> None:
    items = [item for item in every_item() if "expression" in item.get("declared", {})]
    values = [item["declared"] for item in items]
    assert [one for one in values if not equal(value_of(one["expression"]), value_of(one["value"]))] == []


def test_the_key_of_a_clean_item_has_the_declared_value() -> None:
    assert faulty(declared("expression", *CLEAN), key_has_the_value) == []


def test_a_wrong_key_in_digits_lacks_the_declared_value() -> None:
    wrong = [
        item for item in declared("expression", "wrong_key") if number_in(item["question"]["a"]) is not None
    ]
    assert faulty(wrong, lambda item: not key_has_the_value(item)) == []
    assert len(wrong) >= 25


def test_declared_values_prove_the_answer_of_a_comparison_and_disprove_a_wrong_one() -> None:
    right = [item for item in kinds(*CLEAN) if item["slot"]["type"] == "comparison"]
    wrong = [item for item in kinds("wrong_key") if item["slot"]["type"] == "comparison"]
    assert faulty(right, lambda item: proved_answer(item["declared"]) == item["question"]["a"]) == []
    assert faulty(wrong, lambda item: proved_answer(item["declared"]) != item["question"]["a"]) == []
