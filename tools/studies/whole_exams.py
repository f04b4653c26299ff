"""How many questions are asked for until exams are complete: `python -m tools.studies.whole_exams`.

The simulator writes, and the validator judges as in a worker, without servers: five exams of one student one after
the other, then many exams with shares of rejected questions. Prints questions asked for per slot, whether
every quota is exact, and verbal items that come twice.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from generation.model import Batch, EarlierQuestion, Plan, Question, QuestionType, Section, Track
from generation.parser import QuestionParser
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from generation.repeats.seen import Seen
from generation.validator import Accepted, Validator, known_passages
from tools.simulator.asked import read_asked
from tools.simulator.config import SimulatorConfig
from tools.simulator.content.memory import Memory
from tools.simulator.reply import write_reply

_ROUNDS = 12  #: per batch, after which an exam counts as unfinished
_REMEMBERED = 600  #: of a student's earlier questions, as the store gives them: eight sessions at most


@dataclass
class Tally:
    """What was asked for, and what came of it."""

    slots: int = 0
    asked: int = 0
    inexact: int = 0  #: exams that are short of a question, or have one of another slot
    twice: int = 0  #: verbal items that came before
    proved: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

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
            written += self._batch(plan, batch, earlier, seen)
        self.tally.slots += plan.total_questions
        self.tally.inexact += sorted(question.slot.position for question in written) != list(
            range(plan.total_questions)
        )
        self.tally.proved += sum(question.proved for question in written)
        if self._remembers:
            self._remember(written)

    def _batch(self, plan: Plan, batch: Batch, earlier: list[EarlierQuestion], seen: Seen) -> list[Question]:
        slots, accepted = plan.slots_of(batch), list[Question]()
        for round_ in range(_ROUNDS):
            known = known_passages(earlier)
            prompt = build_prompt(track=plan.track, slots=slots, passages=known, earlier=earlier)
            self.tally.asked += len(slots)
            source = f"{plan.seed}:{batch.index}:{round_}:{self.tally.asked}"
            validator = Validator(slots, seen=seen, seed=plan.seed, passages=known)
            parser = QuestionParser()
            for raw in parser.feed(write_reply(read_asked(prompt.user), self._config, source, self._memory)):
                verdict = validator.judge(raw)
                if isinstance(verdict, Accepted):
                    accepted.append(verdict.question)
                    earlier.append(EarlierQuestion.of(verdict.question))
                else:
                    self.tally.reasons[verdict.reason] += 1
            slots = validator.open_slots
            if not slots:
                break
        return accepted

    def _remember(self, written: Sequence[Question]) -> None:
        for question in written:
            if question.slot.section is Section.VERBAL:
                item = _item(question)
                self.tally.twice += item in self._seen_verbal
                self._seen_verbal.add(item)
        passed = [replace(EarlierQuestion.of(one), passage_group=None) for one in written]
        newest = [*self._before, *passed][-_REMEMBERED:]
        self._before = [replace(one, position=at - len(newest)) for at, one in enumerate(newest)]


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
    reasons = ", ".join(f"{reason} {count}" for reason, count in tally.reasons.most_common(6)) or "none"
    return (
        f"{name:34} asked {tally.per_slot:.3f} per slot; inexact {tally.inexact}; verbal twice {tally.twice}; "
        f"keys proved {tally.proved / tally.slots:.1%}; rejected: {reasons}"
    )


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
