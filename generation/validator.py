"""The validator: accepts an object of a model as a question, or rejects it with a reason.

It knows the open slots of one call and the earlier questions. It never edits a text: the stored question is
what the model wrote, with the choices in the plan's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from generation.declared import proof_of
from generation.figures.catalogue import CHARTS, check, diagram, parse, web_app
from generation.figures.pattern import Pattern
from generation.figures.reasons import FigureRejected
from generation.model import (
    COMPARISON_CHOICES,
    FIGURED_TYPES,
    EarlierQuestion,
    Question,
    QuestionType,
    Slot,
)
from generation.normalization import normalize
from generation.proof.key import Proof
from generation.repeats.seen import Seen, Traits
from generation.rules.table import Severity, TextRule, noted_rules
from generation.rules.well_formed import Candidate, first_reason, fixed_choice, passage_reason, written
from generation.schema import DraftPassage, DraftQuestion, slot_number


@dataclass(frozen=True, slots=True)
class Accepted:
    question: Question
    noted: tuple[
        TextRule, ...
    ] = ()  #: the rules that it breaks without being rejected: to be flagged or counted


@dataclass(frozen=True, slots=True)
class Rejected:
    position: int | None  #: None when the object names no slot of this call
    reason: str  #: stable snake_case, one for each rule


class Validator:
    """Judges the objects of one call. Calls of a session may share `seen`, but not a validator.

    `passages`: those already known, by group. A new passage is kept for its group even when its question is
    rejected.
    """

    def __init__(
        self, slots: Iterable[Slot], *, seen: Seen, seed: int, passages: Mapping[int, str] | None = None
    ) -> None:
        self._open = {slot.position: slot for slot in slots}
        self._filled: set[int] = set()
        self._seen = seen
        self._seed = seed
        self._passages = dict(passages or {})

    @property
    def open_slots(self) -> tuple[Slot, ...]:
        """The slots that this call has not filled yet, in order."""
        return tuple(self._open[position] for position in sorted(self._open))

    @property
    def passages(self) -> Mapping[int, str]:
        """Every passage known so far, by group; the next call for these slots needs them."""
        return dict(self._passages)

    def judge(self, raw: Mapping[str, Any]) -> Accepted | Rejected:
        """Accept the object and fill its slot, or return the reason why not. Never raises for what a model wrote."""
        slot = self._slot_of(raw)
        if isinstance(slot, Rejected):
            return slot
        verdict = self._question(slot, {**raw, "slot": slot.position})
        if isinstance(verdict, str):
            return Rejected(slot.position, verdict)
        del self._open[slot.position]
        self._filled.add(slot.position)
        return verdict

    def _slot_of(self, raw: Mapping[str, Any]) -> Slot | Rejected:
        position = slot_number(raw.get("slot"))
        if position is None:
            return Rejected(None, "no_slot")
        if position in self._filled:
            return Rejected(position, "slot_filled")
        return self._open.get(position) or Rejected(None, "unknown_slot")

    def _question(self, slot: Slot, raw: Mapping[str, Any]) -> Accepted | str:
        # The passage first: other lines of the group need it, even if this line is rejected.
        own = _shaped(DraftPassage, raw)
        if isinstance(own, str):
            return own
        if reason := self._passage_reason(slot, own.passage):
            return reason
        draft = _shaped(DraftQuestion, raw)
        if isinstance(draft, str):
            return draft
        figure = _figure(slot, draft)
        if isinstance(figure, str):
            return figure
        candidate = Candidate(slot, draft, _texts_of(figure))
        if reason := first_reason(candidate):
            return reason
        return self._admitted(candidate, figure)

    def _passage_reason(self, slot: Slot, passage: str | None) -> str | None:
        """Why the line's passage is missing or unacceptable, or None. Keeps a good new passage."""
        group = slot.passage_group
        if group is None:
            return "unwanted_passage" if passage is not None else None
        known = self._passages.get(group)
        if passage is None:
            return "no_passage" if known is None else None
        if known is not None:
            return None if normalize(known) == normalize(passage) else "other_passage"
        if reason := passage_reason(passage):
            return reason
        if not self._seen.admit_passage(passage, group):
            return "repeated_passage"
        self._passages[group] = passage
        return None

    def _admitted(self, candidate: Candidate, figure: dict[str, Any] | None) -> Accepted | str:
        slot, draft = candidate.slot, candidate.draft
        key = fixed_choice(candidate.key) if slot.key_index is None else draft.answer
        distractors = draft.distractors or ()
        proof = proof_of(draft.declared, key, distractors, is_comparison=candidate.is_comparison)
        if reason := _DISPROVED.get(proof):
            return reason
        choices, answer_index = place(slot, key, distractors, seed=self._seed)
        passage = None if slot.passage_group is None else self._passages[slot.passage_group]
        traits = Traits.of(
            EarlierQuestion(
                position=slot.position,
                question_type=slot.question_type,
                stem=draft.stem,
                choices=choices,
                passage=passage,
                passage_group=slot.passage_group,
                diagram=figure,
                topic=slot.topic,
            )
        )
        if reason := self._seen.admit(traits, slot=slot.position):
            return reason
        noted = noted_rules(written(candidate, choices))
        question = Question(
            slot=slot,
            stem=draft.stem,
            choices=choices,
            answer_index=answer_index,
            explanation=draft.explanation,
            tip=draft.tip,
            solving_strategy=draft.solving_strategy,
            fingerprint=traits.fingerprint,
            passage=passage,
            diagram=figure,
            declared=draft.declared,
            proved=proof is Proof.PROVED,
            flags=tuple(rule.name for rule in noted if rule.severity is Severity.FLAG),
        )
        return Accepted(question, noted)


def known_passages(earlier: Iterable[EarlierQuestion]) -> dict[int, str]:
    """The passages of committed questions, by group."""
    return {
        question.passage_group: question.passage
        for question in earlier
        if question.passage_group is not None and question.passage is not None
    }


_Shape = TypeVar("_Shape", bound=DraftPassage)


def _shaped(shape: type[_Shape], raw: Mapping[str, Any]) -> _Shape | str:
    try:
        return shape.model_validate(raw)
    except ValidationError as err:
        name = str(err.errors()[0]["loc"][0])
        return _WRONG.get(name, "wrong_shape")


def _figure(slot: Slot, draft: DraftQuestion) -> dict[str, Any] | str | None:
    """The figure as it is stored, the reason why it is rejected, or None for a type without a figure."""
    if slot.question_type not in FIGURED_TYPES:
        return "unwanted_figure" if draft.figure else None
    if draft.figure is None:
        return "no_figure"
    try:
        figure = parse(draft.figure)
        fault = _figure_fault(slot, draft, figure)
    except FigureRejected as err:
        fault = err.reason
    # `wrong_answer` is also the name of another fault.
    return diagram(figure) if fault is None else f"figure_{fault}"


def _figure_fault(slot: Slot, draft: DraftQuestion, figure: Pattern) -> str | None:
    is_of_type = (figure.pattern in CHARTS) == (slot.question_type is QuestionType.CHART)
    if slot.pattern not in {None, figure.pattern} or not is_of_type:
        return "other_pattern"
    if faults := check(figure, stem=draft.stem, answer=draft.answer):
        return faults[0]
    return "not_for_web_app" if slot.web_app_only and web_app(figure) is None else None


def _texts_of(figure: dict[str, Any] | None) -> tuple[str, ...]:
    """What a student reads in a figure: the caption has all but what a chart's labels are."""
    return () if figure is None else (figure["caption"], figure["figure"].get("by", ""))


#: The reasons to reject a question for what its declared expression shows.
_DISPROVED: Final[Mapping[Proof, str]] = {
    Proof.WRONG_KEY: "key_disproved",
    Proof.RIGHT_DISTRACTOR: "choices_not_distinct",
}

_WRONG: Final = {
    "p": "wrong_passage",
    "q": "wrong_stem",
    "f": "wrong_figure",
    "w": "wrong_explanation",
    "a": "wrong_answer",
    "d": "wrong_distractors",
}


def place(slot: Slot, key: str, distractors: Sequence[str], *, seed: int) -> tuple[tuple[str, ...], int]:
    """The choices in the order a student sees them, and the key's 0-based index.

    The key is at the slot's key_index; the session's seed and the position determine the order of the
    distractors. A slot without a key_index has the fixed comparison choices, of which `key` is one.
    """
    if slot.key_index is None:
        return COMPARISON_CHOICES, COMPARISON_CHOICES.index(key)
    rng = Random(f"{seed}:{slot.position}")  # noqa: S311 - an order must be repeatable, not secret
    choices = rng.sample(distractors, len(distractors))
    choices.insert(slot.key_index, key)
    return tuple(choices), slot.key_index
