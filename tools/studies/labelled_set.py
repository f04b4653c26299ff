"""What the rules and the declared expressions see of the labelled set: `python -m tools.studies.labelled_set`.

Prints for each kind how many planted faults are caught and missed, and for sound items how many are taken for
faults; the tuned part and the untouched one apart. Repeats are measured elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from generation.key_proof import Proof, prove_comparison, prove_key
from generation.model import Difficulty, QuestionType, Slot, Topic
from generation.rules import Candidate, all_reasons, written
from generation.schema import DraftQuestion
from generation.text_rules import noted_rules

Item = Mapping[str, Any]

FOLDER: Final = Path(__file__).parents[2] / "tests" / "labelled"
CLEAN: Final = frozenset({"clean", "clean_suspicious"})
#: What a rule is not asked to see in this study.
ELSEWHERE: Final = frozenset({"repeats", "answer_check", "nobody"})
#: A rule that counts takes nobody's work away.
ONLY_COUNTED: Final = frozenset({"exception_stem", "unordered_numbers"})
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


def items() -> Iterator[Item]:
    for path in sorted(FOLDER.glob("*.jsonl")):
        yield from map(json.loads, path.read_text("utf-8").splitlines())


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
    declared, question = item.get("declared"), item["question"]
    if declared is None:
        return False
    if "expression" in declared:
        return prove_key(declared["expression"], question["a"], question["d"]) in DISPROVED
    assignments = [(given["first"], given["second"]) for given in declared.get("assignments", [declared])]
    return prove_comparison(assignments, question["a"]) in DISPROVED


def is_found(item: Item) -> bool:
    """Of a fault, whether a rule for its kind sees it; of a sound item, whether any rule takes it for a fault."""
    found = findings(item)
    return bool(found - ONLY_COUNTED if item["kind"] in CLEAN else found & RULES_OF[item["kind"]])


def measured(items: Iterable[Item]) -> list[Row]:
    """A row for each kind and part, faults that nobody expects a rule to see left out."""
    asked = [item for item in items if item["kind"] in CLEAN or item["seen_by"] not in ELSEWHERE]
    total, found = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    for item in asked:
        place = item["kind"], item["untouched"]
        total[place] += 1
        found[place] += is_found(item)
    return [Row(*place, count, found[place]) for place, count in total.items()]


def agreement(rows: Iterable[Row]) -> float:
    """The share of items about which rules and labels say the same."""
    known = list(rows)
    right = sum(row.items - row.found if row.kind in CLEAN else row.found for row in known)
    return right / sum(row.items for row in known)


def main() -> None:
    rows = measured(items())
    for is_untouched, title in ((False, "tuned part"), (True, "untouched part")):
        part = [row for row in rows if row.is_untouched is is_untouched]
        faults = [row for row in part if row.kind not in CLEAN]
        sound = [row for row in part if row.kind in CLEAN]
        print(f"{title}\n{'kind':<20}{'items':>6}{'caught':>8}{'missed':>8}{'false':>7}")
        for row in part:
            caught = ("", "", row.found) if row.kind in CLEAN else (row.found, row.items - row.found, "")
            print(f"{row.kind:<20}{row.items:>6}{caught[0]:>8}{caught[1]:>8}{caught[2]:>7}")
        print(
            f"agreement {agreement(part):.1%}; faults caught {agreement(faults):.1%}; "
            f"false alarms {1 - agreement(sound):.1%} of {sum(row.items for row in sound)} sound items\n"
        )


if __name__ == "__main__":
    main()
