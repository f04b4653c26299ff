"""The study of whole exams gives up a slot as a worker does: another subtopic, another topic, then the exam is short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from generation.model import Plan, Slot, Track
from generation.plan import plan_exam
from tools.simulator.asked import read_asked
from tools.simulator.config import SimulatorConfig
from tools.studies.whole_exams import Desk, Tally

POSITION = 3


class _Stubborn(Desk):
    """Its writer never fills one slot with what it refuses: a subtopic, or a section whatever the subtopic."""

    def __init__(self, slot: Slot, refused: str) -> None:
        super().__init__(SimulatorConfig(), remembers=False)
        self._slot, self._refused = slot, refused

    def write(self, message: str, source: str) -> Iterable[Mapping[str, Any]]:
        refused = {
            wanted.slot
            for wanted in read_asked(message).wanted
            if wanted.slot == self._slot.position
            and self._refused in {wanted.subtopic, wanted.topic, wanted.section}
        }
        return [line for line in super().write(message, source) if line["slot"] not in refused]


def plan() -> Plan:
    return plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1)


def taken(refused: str) -> Tally:
    desk = _Stubborn(plan().slots[POSITION], refused)
    desk.take(plan())
    return desk.tally


def test_a_slot_whose_subtopic_nobody_writes_gets_another_subtopic() -> None:
    tally = taken(plan().slots[POSITION].subtopic)
    assert (tally.deviations, tally.inexact) == ({"subtopic": 1}, 0)


def test_a_slot_whose_topic_nobody_writes_gets_another_topic() -> None:
    tally = taken(plan().slots[POSITION].topic.value)
    assert (tally.deviations, tally.inexact) == ({"subtopic": 1, "topic": 1}, 0)


def test_an_exam_is_short_of_a_slot_that_nobody_writes_at_all() -> None:
    tally = taken(plan().slots[POSITION].section.value)
    assert (tally.deviations, tally.inexact) == ({"subtopic": 1, "topic": 1}, 1)
    assert tally.per_slot < 1.2


def test_an_exam_that_is_written_as_planned_has_no_deviation() -> None:
    tally = taken("")
    assert (tally.deviations, tally.inexact) == ({}, 0)
