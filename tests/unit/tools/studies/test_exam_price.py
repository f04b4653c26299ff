"""The price of an exam by part: every token is in one part, and the replies are good questions of fixed length."""

from __future__ import annotations

import json
from decimal import Decimal

from generation.model import Track
from generation.model_call import Usage
from generation.plan import plan_exam
from providers.profiles import profile_of
from tools.simulator.tokens import count_tokens
from tools.studies.exam_price import REPLIES, exam_bill


def test_the_parts_are_together_what_the_calls_cost() -> None:
    bill = exam_bill(light=("easy",), cold=True)
    by_model: dict[str, dict[str, int]] = {}
    for (_, kind, model), tokens in bill.tokens.items():
        kinds = by_model.setdefault(model, {})
        kinds[kind] = kinds.get(kind, 0) + tokens
    whole = sum(
        (profile_of(model).prices.rates.cost(Usage(**kinds)) for model, kinds in by_model.items()),
        Decimal(0),
    )
    assert bill.microdollars == whole
    replies = [json.loads(line) for line in REPLIES.read_text("utf-8").splitlines()]
    output = sum(tokens for (part, _, _), tokens in bill.tokens.items() if part.startswith("reply"))
    assert output == sum(count_tokens(json.dumps(line, ensure_ascii=False) + "\n") for line in replies)


def test_the_recorded_replies_fill_the_exam_with_questions_of_a_known_length() -> None:
    replies = [json.loads(line) for line in REPLIES.read_text("utf-8").splitlines()]
    assert [reply["slot"] for reply in replies] == [
        slot.position for slot in plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1).slots
    ]
    checked = sum(
        tokens
        for (part, kind, _), tokens in exam_bill().tokens.items()
        if (part, kind) == ("answer check", "output")
    )
    assert 80 * 90 <= checked <= 86 * 90, (
        "nearly all are accepted, and so checked; after new rules run --record"
    )


def test_a_light_writer_makes_the_exam_cheaper_and_no_shorter() -> None:
    alone, light = exam_bill(), exam_bill(light=("easy",))
    replies = [
        sum(tokens for (part, _, _), tokens in bill.tokens.items() if part.startswith("reply"))
        for bill in (alone, light)
    ]
    assert replies[0] == replies[1]
    assert light.microdollars < Decimal("0.8") * alone.microdollars
