"""A provider client that replays a script, and stores in memory, for tests of the use case."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from generation.cancellation import CancellationSignal
from generation.errors import GenerationError, ProviderError
from generation.figures.catalogue import parse, web_app
from generation.figures.web_app import WEB_APP_SAFE
from generation.model import COMPARISON_CHOICES, Claim, Question, QuestionType, Slot, Urgency
from generation.model_call import (
    AttemptRecord,
    Billed,
    Prompt,
    StreamEnded,
    StreamEvent,
    StreamStarted,
    TextDelta,
    Usage,
    UsageSource,
)
from generation.ports import LightWriter
from generation.run_events import RunEvent
from generation.verdicts import REWRITES_PER_SLOT, Finding, Verdict
from tools.figures.samples import sample

#: One reply: text as it will arrive, and perhaps the error that ends it.
Reply = Callable[[list[dict[str, Any]]], tuple[str, ProviderError | None]]


def wanted(prompt: Prompt) -> list[dict[str, Any]]:
    """The slots that a prompt asks for."""
    found = []
    for line in prompt.user.splitlines():
        if line.startswith("{"):
            spec = json.loads(line)
            if "slot" in spec:
                found.append(spec)
    return found


WORDS = [
    "الجمل",
    "البحر",
    "النخيل",
    "السوق",
    "المدرسة",
    "الطريق",
    "الجبل",
    "الوادي",
    "المطر",
    "القمر",
    "الكتاب",
    "القلم",
    "البيت",
    "الحديقة",
    "السفينة",
    "الطائرة",
    "المعلم",
    "الطبيب",
    "الفلاح",
    "التاجر",
    "المهندس",
    "الصحراء",
    "الواحة",
    "القافلة",
    "المئذنة",
    "البستان",
    "الحصان",
    "الصقر",
    "الغزال",
    "الميناء",
    "الجسر",
    "المصنع",
    "الخيمة",
    "البئر",
    "السحاب",
    "النهر",
    "الشراع",
    "الزيتون",
    "القمح",
    "التمر",
    "العسل",
    "الحليب",
    "الثوب",
    "الخاتم",
    "المفتاح",
    "النافذة",
    "السلم",
    "المرآة",
    "الساعة",
    "الرسالة",
    "الحكاية",
    "القصيدة",
    "الخريطة",
    "البوصلة",
    "المرصد",
    "المختبر",
    "المتحف",
]


def an_object(spec: dict[str, Any], *, variant: int = 0) -> dict[str, Any]:
    """A flawless object for a wanted slot, different for every slot and variant."""
    words = random.Random(f"{spec['slot']}.{variant}").sample(WORDS, 24)
    made: dict[str, Any] = {"slot": spec["slot"]}
    if "group" in spec:
        made["p"] = " ".join(random.Random(f"{spec['group']}.{variant}").choices(WORDS, k=60))
    made["q"] = f"ما الذي جمع {' و'.join(words[:7])}؟"
    if spec["type"] in _PARTS:
        made |= _PARTS[spec["type"]](words)
    if spec["type"] in _USUAL_PATTERNS:
        made["f"] = a_figure(spec, variant)
    made["w"] = made.pop("w", "نقارن المعطيات خطوة خطوة ثم نستنتج الجواب الصحيح.")
    made["a"] = made.pop("a", words[8])
    if spec["type"] != QuestionType.COMPARISON:
        made["d"] = made.pop("d", words[9:12])
    return made


def _pair(words: Sequence[str]) -> str:
    return f"{words[0]} : {words[1]}"


#: What each type has of its own, made of the slot's words.
_PARTS: dict[str, Callable[[list[str]], dict[str, Any]]] = {
    QuestionType.COMPARISON: lambda words: {
        "q": f"القيمة الأولى: ثمن {' و'.join(words[:5])}. القيمة الثانية: ثمن {' و'.join(words[5:10])}.",
        "a": COMPARISON_CHOICES[0],
    },
    QuestionType.ANALOGY: lambda words: {
        "q": _pair(words),
        "a": _pair(words[2:]),
        "d": [_pair(words[4:]), _pair(words[6:]), _pair(words[8:])],
    },
    QuestionType.COMPLETION: lambda words: {"q": f"رأى {' و'.join(words[:6])} ثم ..... عند {words[7]}."},
    QuestionType.ERROR: lambda words: {
        "q": f"مر {' ثم '.join(words[:9])} قبل الغروب.",
        "a": words[1],
        "d": words[2:5],
    },
}

#: For a slot that names none.
_USUAL_PATTERNS = {QuestionType.DIAGRAM: "right-triangle", QuestionType.CHART: "bar-chart"}


def a_figure(spec: dict[str, Any], variant: int) -> dict[str, Any]:
    """A valid figure of the wanted pattern, which any consumer can draw that may be asked for it."""
    pattern = spec.get("pattern") or _USUAL_PATTERNS[spec["type"]]
    for number in itertools.count():
        made = sample(pattern, random.Random(f"{spec['slot']}.{variant}.{number}"))
        if pattern not in WEB_APP_SAFE or web_app(parse(made)) is not None:
            return made
    raise AssertionError


def lines(objects: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(made, ensure_ascii=False) + "\n" for made in objects)


def everything(specs: list[dict[str, Any]]) -> tuple[str, ProviderError | None]:
    """The reply of a model at its best."""
    return lines([an_object(spec) for spec in specs]), None


@dataclass
class ScriptedProvider:
    """Answers each call with the next reply of its script; the last one repeats."""

    replies: Sequence[Reply] = (everything,)
    name: str = "claude"
    model: str = "scripted-1"
    prompts: list[Prompt] = field(default_factory=list)
    during: Callable[[int], None] = lambda _: None  #: called before each delta with its number
    chunk: int = 40
    refuses: ProviderError | None = None  #: raised before anything is sent

    @contextmanager
    def stream(
        self,
        prompt: Prompt,
        stop: CancellationSignal,
        *,
        urgency: Urgency = Urgency.INTERACTIVE,
        before_sending: Callable[[], None] = lambda: None,
    ) -> Iterator[Iterator[StreamEvent]]:
        if self.refuses is not None:
            raise self.refuses
        before_sending()
        reply = self.replies[min(len(self.prompts), len(self.replies) - 1)]
        self.prompts.append(prompt)
        text, error = reply(wanted(prompt))
        yield self._events(text, error, stop)

    def _events(
        self, text: str, error: ProviderError | None, stop: CancellationSignal
    ) -> Iterator[StreamEvent]:
        if error is not None and not text:
            raise error
        yield StreamStarted(
            "scripted-1", f"msg_{len(self.prompts)}", "req_1", Usage(input=100, cache_read=900)
        )
        for number, at in enumerate(range(0, len(text), self.chunk)):
            self.during(number)
            if stop.reason is not None:
                return
            yield TextDelta(text[at : at + self.chunk])
        if error is not None:
            raise error
        yield StreamEnded("end_turn", Usage(input=100, output=len(text) // 2, cache_read=900))

    def settle(self, started: StreamStarted, text: str) -> Billed:
        return Billed(replace(started.usage, output=len(text) // 2), UsageSource.COUNTED)

    def cost_microdollars(self, model: str, usage: Usage) -> Decimal:
        return Decimal(usage.input + usage.output)

    def asked(self) -> list[list[int]]:
        """The positions asked for, call by call."""
        return [[spec["slot"] for spec in wanted(prompt)] for prompt in self.prompts]


@dataclass
class ScriptedFallback:
    """Providers in order, with closed circuit breakers."""

    providers: Sequence[ScriptedProvider]
    reports: list[tuple[str, str | None]] = field(default_factory=list)
    solver: ScriptedProvider | None = None
    solver_breaker_is_open: bool = False
    light: LightWriter | None = None

    def pick(self, excluded: frozenset[str]) -> ScriptedProvider | None:
        return next((provider for provider in self.providers if provider.name not in excluded), None)

    def report(self, provider: str, error: ProviderError | None) -> None:
        self.reports.append((provider, error.code if error else None))

    def pick_light(self, provider: str) -> LightWriter | None:
        return self.light if self.light and self.light.client.name == provider else None

    def report_light(self, error: ProviderError | None) -> None:
        self.reports.append(("light", error.code if error else None))

    @property
    def has_solver(self) -> bool:
        return self.solver is not None

    def pick_solver(self) -> ScriptedProvider | None:
        return None if self.solver_breaker_is_open else self.solver

    def report_solver(self, error: ProviderError | None) -> None:
        self.reports.append(("solver", error.code if error else None))

    def close(self) -> None: ...


@dataclass
class MemoryStore:
    """Stores questions as the real store does: one per position and fingerprint, none when the fence is lost."""

    questions: dict[int, Question] = field(default_factory=dict)
    finished: bool = False
    deviations: list[Slot] = field(default_factory=list)  #: the slots that replaced others
    refuse: Callable[[Question], GenerationError | None] = lambda _: None
    verdicts: dict[str, Verdict] = field(
        default_factory=dict
    )  #: by fingerprint, of the questions that are here
    disputes: dict[int, int] = field(default_factory=dict)  #: how often each slot's question was replaced
    is_waited_for: bool = False  #: somebody has asked for the batch since it was claimed

    def accept(self, claim: Claim, question: Question, attempt_id: UUID, provider: str) -> None:
        error = self.refuse(question)
        if error is not None:
            raise error
        before = self.questions.get(question.slot.position)
        if before is not None:
            assert self.verdicts.pop(before.fingerprint) is Verdict.DISPUTED
            self.disputes[question.slot.position] = self.disputes.get(question.slot.position, 0) + 1
        self.questions[question.slot.position] = question

    def unchecked(self, claim: Claim) -> tuple[Question, ...]:
        kept = (question for _, question in sorted(self.questions.items()) if not self.is_waited_for)
        return tuple(question for question in kept if question.fingerprint not in self.verdicts)

    def settle_verdicts(self, claim: Claim, given: Mapping[str, Finding]) -> tuple[Slot, ...]:
        again = []
        for position, question in sorted(self.questions.items()):
            finding = given.get(question.fingerprint)
            if finding is None:
                continue
            self.verdicts[question.fingerprint] = finding.verdict
            may_be_replaced = self.disputes.get(position, 0) < REWRITES_PER_SLOT and not self.is_waited_for
            if finding.verdict is Verdict.DISPUTED and may_be_replaced:
                again.append(question.slot)
        return tuple(again)

    def replace_slots(self, claim: Claim, slots: Sequence[Slot]) -> None:
        assert not {slot.position for slot in slots} & set(self.questions)
        self.deviations += slots

    def finish_short(self, claim: Claim) -> None:
        assert claim.is_last
        self.finished = True

    def finish(self, claim: Claim) -> None:
        assert {slot.position for slot in claim.open_slots} <= set(self.questions)
        self.finished = True


@dataclass
class MemoryLedger:
    attempts: dict[UUID, AttemptRecord] = field(default_factory=dict)

    def open(self, attempt: AttemptRecord) -> None:
        assert attempt.id not in self.attempts
        self.attempts[attempt.id] = attempt

    def close(self, attempt: AttemptRecord) -> None:
        assert self.attempts[attempt.id].outcome == "open"
        self.attempts[attempt.id] = attempt

    def outcomes(self) -> list[str]:
        return [attempt.outcome for attempt in self.attempts.values()]


@dataclass
class RunEvents:
    seen: list[RunEvent] = field(default_factory=list)

    def notice(self, event: RunEvent) -> None:
        self.seen.append(event)

    def of(self, kind: type[RunEvent]) -> list[Any]:
        return [event for event in self.seen if isinstance(event, kind)]
