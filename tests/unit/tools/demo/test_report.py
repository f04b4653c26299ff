from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tools.demo import bill
from tools.demo.bill import Bill, NoBill, bill_of, read_bill
from tools.demo.events import ServerEvent
from tools.demo.exam_session import Asked, ExamSession
from tools.demo.pace import NoPace, set_speed
from tools.demo.report import Report, report_on
from tools.demo.shape import BatchShape, exam_shape
from tools.simulator.running import RunningSimulator

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


def a_perfect_exam_session() -> ExamSession:
    exam_session = ExamSession()
    events: list[tuple[str, dict[str, Any]]] = []
    for index, batch in enumerate(SHAPE):
        events += [
            ("question", question(position, index, batch))
            for position in range(batch.start, batch.start + batch.size)
        ]
        events.append(("batch-ready", {"batchIndex": index}))
        if index:
            exam_session.asked[index] = Asked(at_s=1, was_ready=True)
    for number, (kind, data) in enumerate(events, start=1):
        exam_session.record(ServerEvent(number, kind, data))
    exam_session.connections = 2
    exam_session.final = {"questions": [dict(shown) for shown in exam_session.questions.values()]}
    return exam_session


def failures(report: Report) -> list[str]:
    return [check.sentence for check in report.checks if not check.holds]


def test_a_perfect_exam_holds() -> None:
    report = report_on(a_perfect_exam_session(), BILL, SHAPE, speed=12)

    assert failures(report) == []
    assert any("96/96 questions" in line for line in report.lines())


def lose_a_question(exam_session: ExamSession) -> None:
    exam_session.final["questions"].pop()


def show_an_answer_deep_inside(exam_session: ExamSession) -> None:
    exam_session.payloads.append({"meta": [{"figure": {"explanation": "because"}}]})


def repeat_an_id(exam_session: ExamSession) -> None:
    exam_session.final["questions"][5]["id"] = exam_session.final["questions"][4]["id"]


def repeat_a_stem(exam_session: ExamSession) -> None:
    exam_session.final["questions"][90]["stem"] = "stem 3"


def lose_an_event(exam_session: ExamSession) -> None:
    exam_session.event_ids.remove(40)


def put_a_question_into_the_wrong_section(exam_session: ExamSession) -> None:
    exam_session.final["questions"][60]["section"] = "quantitative"


def wait_for_a_question(exam_session: ExamSession) -> None:
    exam_session.asked[4] = Asked(at_s=1, was_ready=False)
    exam_session.stalls_s[40] = 0.12


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lose_a_question, "95/96 questions are there"),
        (show_an_answer_deep_inside, "no answer was shown: explanation"),
        (repeat_an_id, "every question has an id of its own"),
        (repeat_a_stem, "no question comes twice"),
        (lose_an_event, "without a gap"),
        (put_a_question_into_the_wrong_section, "10 batches"),
        (wait_for_a_question, "the student waited 0.12 s after the first question; 8/9 batches were whole"),
    ],
)
def test_one_flaw_is_found_and_named(spoil: Callable[[ExamSession], None], sentence: str) -> None:
    exam_session = a_perfect_exam_session()
    spoil(exam_session)

    report = report_on(exam_session, BILL, SHAPE, speed=12)

    assert any(sentence in failure for failure in failures(report))


def test_a_batch_may_be_read_while_it_is_written() -> None:
    exam_session = a_perfect_exam_session()
    exam_session.asked[4] = Asked(at_s=1, was_ready=False)
    report = report_on(exam_session, BILL, SHAPE, speed=12)
    assert failures(report) == []
    assert any("waited 0.00 s" in line and "8/9 batches" in line for line in report.lines())


def test_a_cold_cache_is_found() -> None:
    cold = Bill(BILL.cost_microdollars, tuple({**batch, "cacheReadTokens": 0} for batch in BILL.batches))

    assert any(
        "from the cache" in failure
        for failure in failures(report_on(a_perfect_exam_session(), cold, SHAPE, speed=1))
    )


def test_the_hit_rate_counts_tokens_of_the_batches_after_the_first() -> None:
    assert BILL.cache_hit_rate == pytest.approx(43_000 / 45_000)


def test_times_are_the_clocks_own_and_say_at_which_speed_they_were_measured() -> None:
    exam_session = a_perfect_exam_session()
    exam_session.arrived_s[0], exam_session.ready_s[0], exam_session.finished_s = 3.6, 4.61, 64.2
    measures = dict(report_on(exam_session, BILL, SHAPE, speed=30).measures)

    assert measures["time to first question"] == "3.60 s  (simulator at the model's own pace)"
    assert measures["first batch complete"] == "4.61 s  (simulator at the model's own pace)"
    assert measures["prefetches on time"] == "9/9  (simulator 30 times as fast after the first batch)"
    assert measures["whole exam"] == "64.2 s  (simulator 30 times as fast after the first batch)"
    assert "times" not in "".join(
        value for _, value in report_on(exam_session, BILL, SHAPE, speed=1).measures
    )


def test_with_the_model_itself_a_time_is_a_time() -> None:
    exam_session = a_perfect_exam_session()
    exam_session.arrived_s[0] = 3.6

    measures = dict(report_on(exam_session, BILL, SHAPE, speed=None).measures)
    assert measures["time to first question"] == "3.60 s"
    assert measures["cost"] == "$0.41"


def test_the_simulator_takes_its_speed_while_it_runs_and_its_absence_is_a_sentence() -> None:
    with RunningSimulator(speed=30) as simulator:
        set_speed(simulator.url, 1)
        assert simulator.config.speed == 1
    with pytest.raises(NoPace, match="The simulator did not take its speed"):
        set_speed(simulator.url, 30)


def test_one_batch_is_reported_without_the_cache_and_prefetches() -> None:
    exam_session = a_perfect_exam_session()
    exam_session.event_ids = [1]

    report = report_on(exam_session, BILL, SHAPE[:1], speed=None)

    assert failures(report) == []
    assert not any("cache" in name or "prefetch" in name for name, _ in report.measures)


def test_a_ledger_that_is_not_read_in_time_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bill, "_ANSWERS_WITHIN_S", 0)
    with pytest.raises(NoBill, match="The ledger could not be read within 0 s"):
        bill_of("no-session", {"PATH": "", "PYTHONPATH": "/nonexistent"})


def test_a_ledger_that_cannot_be_read_is_told_in_a_sentence() -> None:
    with pytest.raises(NoBill, match="The ledger could not be read"):
        bill_of("no-session", {"PATH": "", "PYTHONPATH": "/nonexistent"})
