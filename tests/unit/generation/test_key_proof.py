"""A choice states its quantity in any form and unit, and a declared expression proves the key or disproves it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import COMPARISON_CHOICES
from generation.proof.key import Proof, agrees, prove_comparison, prove_key
from generation.proof.quantity import quantity_in
from tests.unit.generation.test_labelled_set import CLEAN, Item, kinds

FIRST, SECOND, EQUAL, UNKNOWN = COMPARISON_CHOICES

SAME = [
    ("2³", "8"),
    ("نصف", "1/2"),
    ("50%", "0.5"),
    ("خُمس", "20%"),
    ("120 دقيقة", "ساعتان"),
    ("ساعة ونصف", "90 دقيقة"),
    ("3 ساعات و20 دقيقة", "200 دقيقة"),
    ("خمس وعشرون دقيقة", "25 دقيقة"),
    ("ست عشرة ساعة", "١٦ ساعة"),
    ("1000 م", "1 كم"),
    ("ثلاثة أرباع اللتر", "750 مل"),
    ("لتر وربع", "1250 مل"),
    ("كيلوجرامان ونصف", "2500 جم"),
    ("30 سم²", "0.003 م²"),
    ("16 متر مربع", "16 م²"),
    ("72 كم/س", "20 م/ث"),
    ("16 سنة", "192 شهرًا"),
    ("2 1/2", "2.5"),
    ("1½ ساعة", "90 دقيقة"),
    ("5√3", "√75"),
    ("25π سم²", "π × 5² سم²"),
    ("مئة وخمسون", "150"),
    ("ألف ومئتان", "1200"),
    ("خمسة آلاف", "5000"),
    ("س = 6", "6"),
    ("−5", "-5"),
    ("يوم واحد", "24 ساعة"),
    ("ساعة واحدة", "60 دقيقة"),
    ("متر واحد", "100 سم"),
    ("مئة وأحد عشر", "111"),
    ("واحد وعشرون يومًا", "3 أسابيع"),
    ("250 ألفًا", "250000"),
    ("3 آلاف ريال", "3000 ريال"),
    ("1.5 مليون", "1500000"),
    ("60 كم في الساعة", "60 كم/ساعة"),
    ("20 مترًا في الثانية", "72 كم لكل ساعة"),
    ("37.5 في المئة", "3/8"),
    ("37.5 بالمائة", "37.5%"),
    ("4 وحدات", "٤ وحدات"),
]
OTHER = [
    ("خمس", "1/5"),
    ("90 دقيقة", "90"),
    ("س < 6", "س > 6"),
    ("5 سم", "5 سم²"),
    ("80% – 90%", "70% – 80%"),
    ("ساعتان", "ساعة"),
    ("3 أقلام", "3 كتب"),
    ("1/3", "0.33"),
    ("يوم واحد", "يومان"),
    ("ريال واحد", "2 ريال"),
    ("5 وحدات", "5 وحدات مربعة"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_forms_of_one_quantity_are_the_same(one: str, other: str) -> None:
    first, second = quantity_in(one), quantity_in(other)
    assert first is not None
    assert second is not None
    assert first.states(second)
    assert second.states(first)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_quantities_of_other_value_or_sort_differ(one: str, other: str) -> None:
    first, second = quantity_in(one), quantity_in(other)
    assert first is not None
    assert second is not None
    assert not first.states(second)


@pytest.mark.parametrize(
    "text",
    ["7، 4", "3 : 5", "كتاب وقلم", "س + 2", "", "لا يوجد", "12 - 5", "10**(10**9)", "3 إلى 2", "3 من 5"],
)
def test_what_states_no_single_quantity_is_not_read(text: str) -> None:
    assert quantity_in(text) is None


@given(st.text(alphabet="0123456789 .,/^*√π%-وساعةدقيقتننصفربع²", max_size=120))
def test_any_choice_is_read_or_not(text: str) -> None:
    found = quantity_in(text)
    assert found is None or found.states(found)


def test_a_choice_agrees_with_an_expression_in_its_own_unit_or_as_a_percentage() -> None:
    assert agrees("4800/40/60", "ساعتان")
    assert agrees("3/8*100", "37.5%")
    assert agrees("3/8", "37.5%")
    assert agrees("2*60+30", "ساعتان و30 دقيقة")
    assert agrees("150/60", "ساعتان و30 دقيقة")
    assert not agrees("2*60+20", "ساعتان و30 دقيقة")
    assert not agrees("4800/40", "ساعتان")
    assert not agrees("3/8", "أحمد")


def test_the_two_values_prove_the_answer_of_a_comparison() -> None:
    assert prove_comparison([("2*pi*7", "44")], SECOND) is Proof.PROVED
    assert prove_comparison([("0.25*360", "0.9*100")], EQUAL) is Proof.PROVED
    assert prove_comparison([("4", "8"), ("1", "-1")], UNKNOWN) is Proof.PROVED
    assert prove_comparison([("4", "8"), ("1", "-1")], SECOND) is Proof.WRONG_KEY
    assert prove_comparison([("3", "2")], UNKNOWN) is Proof.WRONG_KEY
    assert prove_comparison([("3", "س")], FIRST) is Proof.UNREADABLE
    assert prove_comparison([("3", "2")], "3") is Proof.UNREADABLE
    assert prove_comparison([], FIRST) is Proof.UNREADABLE


def test_what_cannot_be_read_is_neither_proved_nor_disproved() -> None:
    assert prove_key("4", "نقص كثيرًا", ["1", "2", "3"]) is Proof.UNREADABLE
    assert prove_key("4 apples", "4", ["1", "2", "3"]) is Proof.UNREADABLE


def proof(item: Item) -> Proof:
    declared, question = item["declared"], item["question"]
    if "expression" in declared:
        return prove_key(declared["expression"], question["a"], question["d"])
    assignments = declared.get("assignments", [declared])
    return prove_comparison([(given["first"], given["second"]) for given in assignments], question["a"])


def declared(*names: str) -> list[Item]:
    return [item for item in kinds(*names) if "declared" in item]


def test_wrong_keys_are_disproved_and_right_ones_are_not() -> None:
    wrong, right = declared("wrong_key"), declared(*CLEAN)
    missed = [item["id"] for item in wrong if proof(item) is not Proof.WRONG_KEY]
    false = [item["id"] for item in right if proof(item) in {Proof.WRONG_KEY, Proof.RIGHT_DISTRACTOR}]
    assert len(missed) <= 0.05 * len(wrong), missed
    assert len(false) <= 0.01 * len(right), false
    proved = sum(proof(item) is Proof.PROVED for item in right)
    assert proved >= 0.95 * len(right)


def test_a_distractor_that_is_right_as_well_is_found() -> None:
    two = [item for item in declared("equal_value") if proof(item) is Proof.RIGHT_DISTRACTOR]
    assert len(two) >= 0.8 * len(declared("equal_value"))
