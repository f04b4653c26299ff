"""What a whole exam costs, part by part, with replies of fixed, recorded length.

`python -m tools.studies.exam_price`: the production prompts of one exam and 96 recorded replies, counted with the
simulator's rule for tokens and priced with the production table. `--light easy` lets LIGHT_MODEL write those slots.
A change of prompt or routing shows; a simulator that writes less does not. `--record` writes the replies again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from generation.lanes import Lane, divide, share_out
from generation.model import EarlierQuestion, Plan, Question, Slot, Track
from generation.model_call import Usage
from generation.plan import plan_exam
from generation.prompts.blocks import system_blocks
from generation.prompts.request import build_prompt
from generation.prompts.solving import build_solver_prompt
from generation.repeats.seen import Seen
from generation.validator import Accepted, Validator
from providers.light_writer import slots_like
from providers.prices import cost_microdollars
from providers.profiles import profile_of
from tools.simulator.asked import read_asked
from tools.simulator.config import SimulatorConfig
from tools.simulator.reply import write_reply
from tools.simulator.tokens import count_tokens

REPLIES = Path(__file__).with_name("exam_replies.jsonl")
MAIN, LIGHT, SOLVER = "claude-sonnet-5-5", "claude-haiku-5-5", "claude-haiku-5-5"
_SEED = 1
_FIRST_LANES = 10
#: Of the solver, for one question: 7,785 for 86 in the ledger of a whole exam.
_TOKENS_OF_AN_ANSWER = 90
_KEYS = {
    "slot": "slot number",
    "p": "passage",
    "q": "stem",
    "f": "figure",
    "w": "solution",
    "e": "declared expression",
    "a": "key",
    "d": "distractors",
}


@dataclass
class Bill:
    """Tokens by part, kind and model; every one of them is in exactly one part."""

    tokens: dict[tuple[str, str, str], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, part: str, kind: str, model: str, tokens: int) -> None:
        self.tokens[part, kind, model] += tokens

    def scale_replies(self, tokens: int) -> None:
        """Make all replies together this long, each part in its proportion."""
        places = [place for place in self.tokens if place[0].startswith("reply")]
        now = sum(self.tokens[place] for place in places)
        for place in places:
            self.tokens[place] = round(self.tokens[place] * tokens / now)

    def parts(self) -> dict[str, tuple[int, Decimal]]:
        """Tokens and micro-dollars of each part."""
        found: dict[str, tuple[int, Decimal]] = {}
        for (part, kind, model), tokens in self.tokens.items():
            before = found.get(part, (0, Decimal(0)))
            cost = cost_microdollars(profile_of(model).prices, Usage(**{kind: tokens}))
            found[part] = (before[0] + tokens, before[1] + cost)
        return found

    @property
    def microdollars(self) -> Decimal:
        return sum((cost for _, cost in self.parts().values()), Decimal(0))


def main(
    light: Annotated[str, typer.Option(help="What LIGHT_MODEL writes, as LIGHT_SLOTS; empty: nothing.")] = "",
    cold: Annotated[bool, typer.Option(help="Nobody has written the prefixes before.")] = False,
    tokens_a_question: Annotated[
        int, typer.Option(min=0, help="Price replies of this mean length instead, in the same proportions.")
    ] = 0,
    record: Annotated[bool, typer.Option(help="Write the replies again first.")] = False,
) -> None:
    """Print the table."""
    if record:
        REPLIES.write_text("".join(_recorded()), encoding="utf-8")
    bill = exam_bill(light=tuple(filter(None, light.split(","))), cold=cold)
    if tokens_a_question:
        bill.scale_replies(tokens_a_question * 96)
    table = Table("part", "tokens", "dollars")
    for part, (tokens, cost) in sorted(bill.parts().items()):
        table.add_row(part, f"{tokens:,}", f"{cost / 1_000_000:.4f}")
    table.add_row("together", "", f"{bill.microdollars / 1_000_000:.4f}")
    Console().print(table)


def exam_bill(*, light: Sequence[str] = (), cold: bool = False) -> Bill:
    """The bill of one exam whose student reads at a plausible pace: the first batch in lanes, then prefetches."""
    plan, bill = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=_SEED), Bill()
    replies = {int(line["slot"]): line for line in map(json.loads, REPLIES.read_text("utf-8").splitlines())}
    is_light = slots_like(light)
    written: set[tuple[str, str]] = (
        set() if cold else {(m, s) for m in (MAIN, LIGHT) for s in ("quantitative", "verbal")}
    )
    earlier: list[EarlierQuestion] = []
    for batch in plan.batches:
        slots = plan.slots_of(batch)
        lights, mains = divide(share_out(slots, _FIRST_LANES if batch.index == 0 else 1), is_light)
        for model, lane in [*((MAIN, lane) for lane in mains), *((LIGHT, lane) for lane in lights)]:
            _add_prefix(bill, model, lane, written)
            _add_message(bill, model, lane, earlier)
            _add_reply(bill, model, [replies[slot.position] for slot in lane])
        questions = list(_accepted(slots, replies, earlier))
        if batch.index > 0:
            _add_check(bill, questions)
        earlier += [EarlierQuestion.of(question) for question in questions]
    return bill


def _add_prefix(bill: Bill, model: str, lane: Lane, written: set[tuple[str, str]]) -> None:
    blocks = system_blocks(lane[0].section)
    tokens = sum(count_tokens(block.text) for block in blocks)
    place = (model, lane[0].section.value)
    kind = "cache_read" if place in written else "cache_write_1h"
    written.add(place)
    bill.add("shared prefix, " + ("read" if kind == "cache_read" else "written"), kind, model, tokens)


def _add_message(bill: Bill, model: str, lane: Lane, earlier: Sequence[EarlierQuestion]) -> None:
    lines = build_prompt(track=Track.SCIENTIFIC, slots=lane, passages={}, earlier=earlier).user.split("\n")
    for line in lines:
        part = "slots" if line.startswith("{") else "stems to avoid" if line.startswith("- ") else "frame"
        bill.add(f"user message: {part}", "input", model, count_tokens(line + "\n"))


def _add_reply(bill: Bill, model: str, lines: Sequence[Mapping[str, Any]]) -> None:
    for line in lines:
        whole, named = count_tokens(json.dumps(line, ensure_ascii=False) + "\n"), 0
        for key, value in line.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            tokens = count_tokens(text)
            named += tokens
            bill.add(f"reply: {_KEYS.get(key, key)}", "output", model, tokens)
        bill.add("reply: names of keys and signs of JSON", "output", model, whole - named)


def _add_check(bill: Bill, questions: Sequence[Question]) -> None:
    prompt = build_solver_prompt(questions)
    tokens = sum(count_tokens(block.text) for block in prompt.system) + count_tokens(prompt.user)
    bill.add("answer check", "input", SOLVER, tokens)
    bill.add("answer check", "output", SOLVER, len(questions) * _TOKENS_OF_AN_ANSWER)


def _accepted(
    slots: Sequence[Slot], replies: Mapping[int, Mapping[str, Any]], earlier: Sequence[EarlierQuestion]
) -> Iterator[Question]:
    validator = Validator(tuple(slots), seen=Seen(tuple(earlier)), passages={}, seed=_SEED)
    for slot in slots:
        verdict = validator.judge(replies[slot.position])
        if isinstance(verdict, Accepted):
            yield verdict.question


def _recorded() -> Iterator[str]:
    """A reply to every prefetch of the exam, one line a slot, from a simulator with the default seed."""
    plan: Plan = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=_SEED)
    for batch in plan.batches:
        prompt = build_prompt(track=Track.SCIENTIFIC, slots=plan.slots_of(batch), passages={})
        yield write_reply(read_asked(prompt.user), SimulatorConfig(), f"exam-price:{batch.index}")


if __name__ == "__main__":
    typer.run(main)
