"""What the rules, the declared expressions and the search for repeats see of a set of labelled items.

An item is an object as in `tests/labelled/README.md`: a question as a writer sends it, with the kind of fault that
is planted in it. Pure: the caller reads the items and prints the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from generation.declared import BETWEEN_ASSIGNMENTS, BETWEEN_VALUES, proof_of
from generation.model import COMPARISON_CHOICES, Difficulty, EarlierQuestion, QuestionType, Slot, Topic
from generation.proof.key import Proof
from generation.repeats.seen import Seen, Traits
from generation.rules.table import noted_rules
from generation.rules.well_formed import Candidate, all_reasons, written
from generation.schema import DraftQuestion

Item = Mapping[str, Any]

CLEAN: Final = frozenset({"clean", "clean_suspicious"})
#: A row of sound items that must not count as repeats of another, which they stand near.
NEAR: Final = "clean_near"
SOUND: Final = CLEAN | {NEAR}
#: Who sees what no program can: it needs the meaning.
ELSEWHERE: Final = frozenset({"answer_check", "nobody"})
REPEATS: Final = "repeats"
#: A rule that counts takes nobody's work away.
ONLY_COUNTED: Final = frozenset({"exception_stem", "solution_lacks_key", "unordered_numbers"})
DISPROVED: Final = frozenset({Proof.WRONG_KEY, Proof.RIGHT_DISTRACTOR})

_SIGNS: Final = frozenset({"direction_marks", "invisible_sign", "visual_order", "presentation_forms"})
_MARKUP: Final = frozenset({"latex", "markdown", "html", "literal_escape", "eaten_escape"})
#: The rules that are right about a kind of fault; "proof" is the declared expression.
RULES_OF: Final[Mapping[str, frozenset[str]]] = {
    "equal_value": frozenset({"choices_not_distinct"}),
    "catch_all": frozenset({"catch_all_choice"}),
    "key_length": frozenset({"key_length", "uneven_choices"}),
    "absolute": frozenset({"absolute_distractors"}),
    "negative_stem": frozenset({"exception_stem", "double_negation"}),
    "overlap": frozenset({"overlapping_ranges"}),
    "order": frozenset({"unordered_numbers"}),
    "grammar_cue": frozenset({"grammar_cue"}),
    "convergence": frozenset({"convergence"}),
    "stem_words_in_key": frozenset({"stem_words_in_key", "given_away"}),
    "given_away": frozenset({"given_away", "key_in_stem", "stem_words_in_key"}),
    "key_marked": frozenset({"marked_choice", "marked_key", "key_in_stem", "choices_in_stem", "markdown"}),
    "markup": _MARKUP,
    "mixed_digits": frozenset({"mixed_digits"}),
    "bidi": _SIGNS,
    "latin": frozenset({"latin_words", "latin_letters", "not_arabic"}),
    "mojibake": frozenset({"broken_encoding", "foreign_sign", "literal_escape"}) | _SIGNS,
    "cut_stem": frozenset({"cut_stem"}),
    "cut_solution": frozenset({"cut_solution"}),
    "self_talk": frozenset({"self_talk"}),
    "choice_letter": frozenset({"names_a_choice"}),
    "contradiction": frozenset({"solution_contradicts_key", "proof"}),
    "wrong_key": frozenset({"proof"}),
}


@dataclass(frozen=True, slots=True)
class Row:
    """Of one kind in one part: `found` are faults caught, or sound items taken for faults."""

    kind: str
    is_untouched: bool
    items: int
    found: int


def findings(item: Item) -> frozenset[str]:
    """The names of all rules that the item breaks, whatever their severity."""
    kind, topic = QuestionType(item["slot"]["type"]), Topic(item["slot"]["topic"])
    slot = Slot(
        position=0,
        batch_index=0,
        sequence=1,
        section=topic.section,
        topic=topic,
        subtopic="",
        question_type=kind,
        difficulty=Difficulty.MEDIUM,
        angle="",
    )
    parts = {name: part for name, part in item["question"].items() if name != "choices"}
    candidate = Candidate(slot, DraftQuestion.model_validate({"slot": 0, **parts}))
    noted = noted_rules(written(candidate, item["question"].get("choices", ())))
    found = {*all_reasons(candidate), *(rule.name for rule in noted)}
    return frozenset(found | ({"proof"} if is_disproved(item) else set()))


def is_disproved(item: Item) -> bool:
    """Whether the declared values contradict the key or prove a distractor as well."""
    question = item["question"]
    is_comparison = item["slot"]["type"] == QuestionType.COMPARISON
    proof = proof_of(declaration(item), question["a"], question.get("d") or (), is_comparison=is_comparison)
    return proof in DISPROVED


def declaration(item: Item) -> str | None:
    """The item's declared values as a writer sends them."""
    declared = item.get("declared")
    if declared is None or "expression" in declared:
        return declared["expression"] if declared else None
    pairs = declared.get("assignments", [declared])
    values = (f"{pair['first']} {BETWEEN_VALUES} {pair['second']}" for pair in pairs)
    return f" {BETWEEN_ASSIGNMENTS} ".join(values)


def is_repeat(item: Item, other: Item) -> bool:
    """Whether the item counts as a repeat of the other one in the same exam."""
    return Seen([_as_asked(other)]).admit(Traits.of(_as_asked(item))) is not None


def _as_asked(item: Item) -> EarlierQuestion:
    question = item["question"]
    choices = (question["a"], *question["d"]) if question.get("d") else COMPARISON_CHOICES
    return EarlierQuestion(
        position=0,
        question_type=QuestionType(item["slot"]["type"]),
        topic=Topic(item["slot"]["topic"]),
        stem=question["q"],
        choices=tuple(choices),
        passage=question.get("p"),
    )


def is_found(item: Item) -> bool:
    """Of a fault, whether a rule for its kind sees it; of a sound item, whether any rule takes it for a fault."""
    found = findings(item)
    return bool(found - ONLY_COUNTED if item["kind"] in CLEAN else found & RULES_OF[item["kind"]])


def measured(items: Collection[Item]) -> list[Row]:
    """A row for each kind and part, without the faults that nobody expects a program to see."""
    by_id = {item["id"]: item for item in items}
    total, found = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    for item in items:
        near = by_id.get(item.get("against", ""))
        is_sound = item["kind"] in CLEAN
        if near is not None and (is_sound or item["seen_by"] == REPEATS):
            place = NEAR if is_sound else item["kind"], item["untouched"]
            total[place] += 1
            found[place] += is_repeat(item, near)
        if is_sound or item["seen_by"] not in {*ELSEWHERE, REPEATS}:
            place = item["kind"], item["untouched"]
            total[place] += 1
            found[place] += is_found(item)
    return [Row(*place, count, found[place]) for place, count in total.items()]


def agreement(rows: Iterable[Row]) -> float:
    """The share of items about which rules and labels say the same."""
    known = list(rows)
    right = sum(row.items - row.found if row.kind in SOUND else row.found for row in known)
    return right / sum(row.items for row in known)
