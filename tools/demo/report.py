"""What must hold after an exam, checked one by one, and how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.money import dollars
from tools.demo.bill import Bill
from tools.demo.exam_session import ExamSession
from tools.demo.pace import MODELS_OWN
from tools.demo.shape import BatchShape

#: Names under which an answer could leave the house.
TELLTALES = frozenset(
    {
        "answerIndex",
        "answer",
        "correctAnswer",
        "correctIndex",
        "explanation",
        "solution",
        "workedSolution",
        "keyIndex",
    }
)
LEAST_CACHE_HIT_RATE = 0.8


@dataclass(frozen=True, slots=True)
class Check:
    holds: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    checks: tuple[Check, ...]
    measures: tuple[tuple[str, str], ...]

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)

    def lines(self) -> Iterator[str]:
        width = max(len(name) for name, _ in self.measures)
        yield from (f"  {name:<{width}}  {value}" for name, value in self.measures)
        yield ""
        yield from (f"  {'ok  ' if check.holds else 'FAIL'}  {check.sentence}" for check in self.checks)


def report_on(
    exam_session: ExamSession, bill: Bill, shape: Sequence[BatchShape], *, speed: float | None
) -> Report:
    """The report on an exam of this shape. `speed`: the simulator's factor after the first batch, None when it was the real model."""
    return Report(
        tuple(_checks(exam_session, bill, shape)), tuple(_measures(exam_session, bill, shape, speed))
    )


def _checks(exam_session: ExamSession, bill: Bill, shape: Sequence[BatchShape]) -> Iterator[Check]:
    total = sum(batch.size for batch in shape)
    questions = {question["index"]: question for question in exam_session.final["questions"]}
    wanted = {position: questions[position] for position in range(total) if position in questions}
    yield Check(len(wanted) == total, f"{len(wanted)}/{total} questions are there")
    yield Check(_shape_of(wanted) == list(shape), f"{len(shape)} batches: {_described(shape)}")
    ids = {question["id"] for question in wanted.values()}
    yield Check(len(ids) == total, "every question has an id of its own")
    stems = {(question.get("passage"), question["stem"]) for question in wanted.values()}
    yield Check(len(stems) == total, "no question comes twice")
    same = all(exam_session.questions.get(position) == question for position, question in wanted.items())
    yield Check(same, "the events showed the same questions as the session holds")
    expected_ids = list(range(1, len(exam_session.event_ids) + 1))
    yield Check(
        exam_session.event_ids == expected_ids,
        f"{len(expected_ids)} events without a gap over {_links(exam_session)}",
    )
    seen = sorted(_telltales([*exam_session.payloads, exam_session.final]))
    yield Check(not seen, f"no answer was shown{': ' + ', '.join(seen) if seen else ''}")
    if len(shape) > 1:
        rate = bill.cache_hit_rate or 0
        floor = f"at least {LEAST_CACHE_HIT_RATE:.0%}"
        yield Check(
            rate >= LEAST_CACHE_HIT_RATE,
            f"batches after the first read {floor} of their prefix from the cache",
        )
        later = len(shape) - 1
        yield Check(
            exam_session.stalled_s == 0,
            f"the student waited {exam_session.stalled_s:.2f} s after the first question; "
            f"{exam_session.on_time}/{later} batches were whole before they came",
        )


def _measures(
    exam_session: ExamSession, bill: Bill, shape: Sequence[BatchShape], speed: float | None
) -> Iterator[tuple[str, str]]:
    """As the clock had it, each with the speed at which it was measured."""
    first, later = _speeds(speed)
    yield "time to first question", f"{exam_session.arrived_s[0]:.2f} s{first}"
    yield "first batch complete", f"{exam_session.ready_s[0]:.2f} s{first}"
    if len(shape) > 1:
        rate = bill.cache_hit_rate
        yield (
            f"cache hit rate, batches 2-{len(shape)}",
            "unknown" if rate is None else f"{rate:.1%} of prefix tokens",
        )
        yield "prefetches on time", f"{exam_session.on_time}/{len(shape) - 1}{later}"
        yield "student waited after that", f"{exam_session.stalled_s:.2f} s{later}"
    yield "cost", f"{dollars(bill.cost_microdollars)}{' (simulated, at list prices)' if speed else ''}"
    yield "whole exam", f"{exam_session.finished_s:.1f} s{later}"


def _speeds(speed: float | None) -> tuple[str, str]:
    """What is said behind a figure of the first batch, and behind one of the others."""
    if speed is None:
        return "", ""
    own = "  (simulator at the model's own pace)"
    return own, own if speed == MODELS_OWN else f"  (simulator {speed:g} times as fast after the first batch)"


def _shape_of(questions: Mapping[int, Mapping[str, Any]]) -> list[BatchShape]:
    """The batches as the questions' ids name them: quant_2_05 is of batch 2."""
    ordered = [(position, question) for position, question in sorted(questions.items())]
    places = [(int(question["id"].split("_")[1]), question["section"]) for _, question in ordered]
    sizes = Counter(places)
    starts = {place: ordered[places.index(place)][0] for place in sizes}
    return [BatchShape(place[1], starts[place], size) for place, size in sizes.items()]


def _described(shape: Sequence[BatchShape]) -> str:
    sections = dict.fromkeys(batch.section for batch in shape)
    return ", ".join(
        f"{section} {'+'.join(str(batch.size) for batch in shape if batch.section == section)}"
        for section in sections
    )


def _links(exam_session: ExamSession) -> str:
    return f"{exam_session.connections} connection{'s' if exam_session.connections != 1 else ''}"


def _telltales(payload: Any) -> set[str]:
    if isinstance(payload, dict):
        return set(TELLTALES & payload.keys()) | _telltales(list(payload.values()))
    if isinstance(payload, list):
        return set().union(*map(_telltales, payload))
    return set()
