"""Reading comprehension: a passage for each group, several different questions about it.

The passage names its writer and his place, so that a later call that is given the passage finds both again.
"""

from __future__ import annotations

import re
from typing import Any

from simulator.content.draft import Draft
from simulator.content.scene import Scene, data

LEAD = re.compile(r"^كتب (?P<who>.+?) في (?P<where>.+?) يقول: ")
SENTENCE_WORDS = 4


def passage_for(scene: Scene) -> str:
    """The passage of a group that has none yet; groups of one exam get different ones."""
    passages = data("passages")
    row = passages[(scene.wanted.group or scene.wanted.slot) % len(passages)]
    return f"كتب {scene.name} في {scene.place} يقول: {row['text']}"


def reading(scene: Scene, passage: str) -> Draft:
    """A question about the passage; consecutive slots get different ones."""
    row = next((row for row in data("passages") if row["text"] in passage), None)
    if row is None:
        return _about_any(scene, passage)
    questions: list[list[str]] = row["questions"]
    asked, answer, wrong = questions[(scene.wanted.slot + scene.attempt) % len(questions)]
    stem = f"وفق ما كتبه {_writer(passage, scene)} عن {row['title']}: {asked}"
    return Draft(stem, answer, tuple(wrong.split("|")), _working(row, answer))


def _writer(passage: str, scene: Scene) -> str:
    found = LEAD.match(passage)
    return found["who"] if found else scene.name


def _working(row: dict[str, Any], answer: str) -> str:
    first = row["text"].split(".")[0]
    return (
        f"نعود إلى النص ونحدد الجملة التي تتصل بالسؤال، ونقرأ ما قبلها وما بعدها. يبدأ النص بقوله: «{first}». "
        f"ومجموع الجمل يدل على «{answer}»، أما بقية الخيارات فلا سند لها فيه أو تخالف ما صرح به."
    )


def _about_any(scene: Scene, passage: str) -> Draft:
    """For a passage that is not ours: which sentence stands in it."""
    sentences = [
        part.strip() for part in re.split(r"[.؟!\n]", passage) if len(part.split()) >= SENTENCE_WORDS
    ]
    said = scene.by_slot(sentences) if sentences else passage[:60]
    rows = data("passages")
    others = [
        scene.choose(*rows[(scene.turn + i) % len(rows)]["text"].split(". ")).rstrip(".") for i in range(3)
    ]
    stem = f"أي العبارات الآتية وردت في النص الذي قرأه {scene.name} في {scene.place} بلفظها؟"
    working = f"نبحث عن كل عبارة في النص، ولا نجد منها فيه إلا «{said}»."
    return Draft(stem, said, tuple(others), working)
