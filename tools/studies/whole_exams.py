"""How many questions are asked for until exams are complete: `python -m tools.studies.whole_exams`.

The simulator writes, and the validator judges as in a worker, without servers: five exams of one student one after
the other, then many exams with shares of rejected questions. A slot that stays open deviates as in a worker: to
another subtopic, then to another topic. Prints questions asked for per slot, exams that are not exact, deviations,
and verbal items that come twice.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from generation.attempt import AttemptResult
from generation.deviations import deviate
from generation.lanes import Lane
from generation.model import Batch, EarlierQuestion, Plan, Question, QuestionType, Section, Topic, Track
from generation.parser import QuestionParser
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from generation.repeats.seen import Seen
from generation.validator import Accepted, Rejected, Validator
from generation.yields import Yields
from tools.simulator.asked import read_asked
from tools.simulator.config import SimulatorConfig
from tools.simulator.content.memory import Memory
from tools.simulator.reply import write_reply

_ROUNDS = 20  #: per batch, as a worker's run has by default; then the exam counts as unfinished
_PROVIDERS = ("first", "fallback")  #: the simulator writes for both
_REMEMBERED = 600  #: of a student's earlier questions, as the store gives them: eight sessions at most

#: As `Desk.write`.
_Ask = Callable[[str, str], Iterable[Mapping[str, Any]]]


@dataclass
class Tally:
    """What was asked for, and what came of it."""

    slots: int = 0
    asked: int = 0
    inexact: int = 0  #: exams that are short of a question, or have one of another slot
    twice: int = 0  #: verbal items that came before
    proved: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    deviations: Counter[str] = field(default_factory=Counter)  #: slots, by how far they are from the plan

    @property
    def per_slot(self) -> float:
        return self.asked / self.slots


class Desk:
    """Takes exams at one simulator; of one student when `remembers`."""

    def __init__(self, config: SimulatorConfig, *, remembers: bool) -> None:
        self._config = config
        self._memory = Memory()
        self._remembers = remembers
        self._before: list[EarlierQuestion] = []
        self._seen_verbal: set[frozenset[str]] = set()
        self.tally = Tally()

    def take(self, plan: Plan) -> None:
        earlier = list(self._before)
        seen = Seen(earlier)
        written: list[Question] = []
        for batch in plan.batches:
            written += _Run(plan, batch, earlier, seen, ask=self.write, tally=self.tally).fill()
        self.tally.slots += plan.total_questions
        self.tally.inexact += sorted(question.slot.position for question in written) != list(
            range(plan.total_questions)
        )
        self.tally.proved += sum(question.proved for question in written)
        if self._remembers:
            self._remember(written)

    def write(self, message: str, source: str) -> Iterable[Mapping[str, Any]]:
        """The objects of one reply; `source` makes it another than the last one to this message."""
        reply = write_reply(read_asked(message), self._config, source, self._memory)
        return QuestionParser().feed(reply)

    def _remember(self, written: Sequence[Question]) -> None:
        for question in written:
            if question.slot.section is Section.VERBAL:
                item = _item(question)
                self.tally.twice += item in self._seen_verbal
                self._seen_verbal.add(item)
        passed = [replace(EarlierQuestion.of(one), passage_group=None) for one in written]
        newest = [*self._before, *passed][-_REMEMBERED:]
        self._before = [replace(one, position=at - len(newest)) for at, one in enumerate(newest)]


class _Run:
    """One run of a batch, with the rounds and deviations of `generation.run_batch` and one lane."""

    def __init__(
        self, plan: Plan, batch: Batch, earlier: list[EarlierQuestion], seen: Seen, *, ask: _Ask, tally: Tally
    ) -> None:
        self._plan, self._batch = plan, batch
        self._earlier, self._seen = earlier, seen
        self._ask, self._tally = ask, tally
        self._open = {slot.position: slot for slot in plan.slots_of(batch)}
        self._passages: dict[int, str] = {}
        self._yields = Yields(in_trouble=False, run=1)
        self._accepted: list[Question] = []

    def fill(self) -> list[Question]:
        """The accepted questions; fewer than the batch has when nobody could fill the rest."""
        for round_ in range(_ROUNDS):
            if not self._open:
                break
            if provider := next((one for one in _PROVIDERS if one not in self._yields.given_up), None):
                self._round(provider, round_)
            elif not self._deviate():
                break
        return self._accepted

    def _round(self, provider: str, round_: int) -> None:
        lanes = self._yields.lanes(provider, self._open.values(), 1)
        if not lanes:
            self._yields.exhaust(provider)
            return
        self._yields.judge(provider, lanes, [self._attempt(provider, lane, round_) for lane in lanes])

    def _attempt(self, provider: str, lane: Lane, round_: int) -> AttemptResult:
        prompt = build_prompt(
            track=self._plan.track,
            slots=lane,
            passages=self._passages,
            earlier=self._earlier,
            rejections=self._yields.reasons(provider),
        )
        self._tally.asked += len(lane)
        source = f"{self._plan.seed}:{self._batch.index}:{round_}:{self._tally.asked}"
        validator = Validator(lane, seen=self._seen, seed=self._plan.seed, passages=self._passages)
        verdicts = [validator.judge(raw) for raw in self._ask(prompt.user, source)]
        committed = tuple(one.question for one in verdicts if isinstance(one, Accepted))
        rejections = tuple(one.reason for one in verdicts if isinstance(one, Rejected))
        self._passages |= validator.passages
        self._take_in(committed, rejections)
        return AttemptResult(
            committed=committed,
            first_question_ms=None,
            passages=validator.passages,
            ended=True,
            error=None,
            fatal=None,
            outcome="",
            cost_microdollars=Decimal(0),
            wrote_cache=False,
            rejections=rejections,
        )

    def _take_in(self, committed: Sequence[Question], rejections: Sequence[str]) -> None:
        self._tally.reasons.update(rejections)
        self._accepted += committed
        for question in committed:
            del self._open[question.slot.position]
            self._earlier.append(EarlierQuestion.of(question))

    def _deviate(self) -> bool:
        """Put other slots in the place of the few that are open; False when there are none to put."""
        if 2 * len(self._open) > self._batch.size:
            return False
        slots = deviate(
            tuple(self._open.values()), self._plan.track, seed=self._plan.seed, topics=tuple(Topic)
        )
        self._open |= {slot.position: slot for slot in slots}
        self._yields.forget_slots()
        self._tally.deviations.update(str(slot.deviation) for slot in slots)
        return bool(slots)


def _item(question: Question) -> frozenset[str]:
    """What makes a verbal item the same, whoever says it: its pair, or its choices."""
    is_pair = question.slot.question_type is QuestionType.ANALOGY
    return frozenset([question.stem] if is_pair else question.choices)


def _taken(track: Track, seeds: Iterable[int], config: SimulatorConfig, *, one_student: bool) -> Tally:
    desk = Desk(config, remembers=one_student)
    for seed in seeds:
        desk.take(plan_exam(track, batch_size=10, seed=seed))
    return desk.tally


def _said(name: str, tally: Tally) -> str:
    reasons, deviations = _counted(tally.reasons), _counted(tally.deviations)
    return (
        f"{name:34} asked {tally.per_slot:.3f} per slot; inexact {tally.inexact}; deviations: {deviations}; verbal twice {tally.twice}; "
        f"keys proved {tally.proved / tally.slots:.1%}; rejected: {reasons}"
    )


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in names.most_common(6)) or "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exams", type=int, default=20, help="of each track, for each share of rejects")
    parser.add_argument("--rejects", default="0,5,10,30", help="per cent")
    options = parser.parse_args()
    for track in Track:
        tally = _taken(track, range(5), SimulatorConfig(), one_student=True)
        print(_said(f"one student, five exams, {track}", tally), flush=True)
    for percent in map(int, options.rejects.split(",")):
        for track in Track:
            config = SimulatorConfig(reject_rate=percent / 100)
            tally = _taken(track, range(options.exams), config, one_student=False)
            print(_said(f"{options.exams} exams, {track}, {percent} % rejected", tally), flush=True)


if __name__ == "__main__":
    main()
