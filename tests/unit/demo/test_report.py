from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from demo import bill
from demo.bill import Bill, NoBill, bill_of, read_bill
from demo.events import ServerEvent
from demo.report import Report, report_on
from demo.shape import BatchShape, exam_shape
from demo.sitting import Asked, Sitting

SHAPE = exam_shape("scientific", 10)
BATCH = {"inputTokens": 300, "outputTokens": 2500, "costMicrodollars": "41000"}
BILL = read_bill(
    json.dumps(
        {
            "costMicrodollars": "412345.5",
            "batches": [
                {"batchIndex": 0, "cacheReadTokens": 0, "cacheWriteTokens": 5000, **BATCH},
                *(
                    {"batchIndex": n, "cacheReadTokens": 5000, "cacheWriteTokens": 0, **BATCH}
                    for n in range(1, 9)
                ),
                {"batchIndex": 9, "cacheReadTokens": 3000, "cacheWriteTokens": 2000, **BATCH},
            ],
        }
    )
)


def question(position: int, batch: int, shape: BatchShape) -> dict[str, Any]:
    prefix = "quant" if shape.section == "quantitative" else "verbal"
    return {
        "id": f"{prefix}_{batch}_{position - shape.start + 1:02d}",
        "index": position,
        "section": shape.section,
        "topic": "algebra",
        "stem": f"stem {position}",
        "choices": ["1", "2", "3", "4"],
    }


def a_perfect_sitting() -> Sitting:
    sitting = Sitting()
    events: list[tuple[str, dict[str, Any]]] = []
    for index, batch in enumerate(SHAPE):
        events += [
            ("question", question(position, index, batch))
            for position in range(batch.start, batch.start + batch.size)
        ]
        events.append(("batch-ready", {"batchIndex": index}))
        if index:
            sitting.asked[index] = Asked(at_s=1, was_ready=True)
    for number, (kind, data) in enumerate(events, start=1):
        sitting.record(ServerEvent(number, kind, data))
    sitting.connections = 2
    sitting.final = {"questions": [dict(shown) for shown in sitting.questions.values()]}
    return sitting


def failures(report: Report) -> list[str]:
    return [check.sentence for check in report.checks if not check.holds]


def test_a_perfect_exam_holds() -> None:
    report = report_on(a_perfect_sitting(), BILL, SHAPE, speed=12)

    assert failures(report) == []
    assert any("96/96 questions" in line for line in report.lines())


def lose_a_question(sitting: Sitting) -> None:
    sitting.final["questions"].pop()


def show_an_answer_deep_inside(sitting: Sitting) -> None:
    sitting.payloads.append({"meta": [{"figure": {"explanation": "because"}}]})


def repeat_an_id(sitting: Sitting) -> None:
    sitting.final["questions"][5]["id"] = sitting.final["questions"][4]["id"]


def repeat_a_stem(sitting: Sitting) -> None:
    sitting.final["questions"][90]["stem"] = "stem 3"


def lose_an_event(sitting: Sitting) -> None:
    sitting.event_ids.remove(40)


def put_a_question_into_the_wrong_section(sitting: Sitting) -> None:
    sitting.final["questions"][60]["section"] = "quantitative"


def come_too_early(sitting: Sitting) -> None:
    sitting.asked[4] = Asked(at_s=1, was_ready=False)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lose_a_question, "95/96 questions are there"),
        (show_an_answer_deep_inside, "no answer was shown: explanation"),
        (repeat_an_id, "every question has an id of its own"),
        (repeat_a_stem, "no question comes twice"),
        (lose_an_event, "without a gap"),
        (put_a_question_into_the_wrong_section, "10 batches"),
        (come_too_early, "8/9 batches were there"),
    ],
)
def test_one_flaw_is_found_and_named(spoil: Callable[[Sitting], None], sentence: str) -> None:
    sitting = a_perfect_sitting()
    spoil(sitting)

    report = report_on(sitting, BILL, SHAPE, speed=12)

    assert any(sentence in failure for failure in failures(report))


def test_a_cold_cache_is_found() -> None:
    cold = Bill(BILL.cost_usd, tuple({**batch, "cacheReadTokens": 0} for batch in BILL.batches))

    assert any(
        "from the cache" in failure
        for failure in failures(report_on(a_perfect_sitting(), cold, SHAPE, speed=1))
    )


def test_the_hit_rate_counts_tokens_of_the_batches_after_the_first() -> None:
    assert BILL.cache_hit_rate == pytest.approx(43_000 / 45_000)


def test_times_are_shown_as_measured_and_at_the_models_own_speed() -> None:
    sitting = a_perfect_sitting()
    sitting.arrived_s[0] = 0.25

    assert ("time to first question", "0.25 s  (at most 2 s at the model's own speed)") in report_on(
        sitting, BILL, SHAPE, speed=8
    ).measures
    assert ("time to first question", "0.25 s") in report_on(sitting, BILL, SHAPE, speed=None).measures


def test_one_batch_is_reported_without_the_cache_and_prefetches() -> None:
    sitting = a_perfect_sitting()
    sitting.event_ids = [1]

    report = report_on(sitting, BILL, SHAPE[:1], speed=None)

    assert failures(report) == []
    assert not any("cache" in name or "prefetch" in name for name, _ in report.measures)


def test_a_ledger_that_is_not_read_in_time_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bill, "_ANSWERS_WITHIN_S", 0)
    with pytest.raises(NoBill, match="The ledger could not be read within 0 s"):
        bill_of("no-session", {"PATH": "", "PYTHONPATH": "/nonexistent"})


def test_a_ledger_that_cannot_be_read_is_told_in_a_sentence() -> None:
    with pytest.raises(NoBill, match="The ledger could not be read"):
        bill_of("no-session", {"PATH": "", "PYTHONPATH": "/nonexistent"})
