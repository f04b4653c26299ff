"""Reading comprehension: a passage for each group, several different questions about it.

The passage names its writer and their place, so that a later call that is given the passage finds both again.
"""

from __future__ import annotations

import re
from typing import Any

from tools.simulator.content.draft import Draft
from tools.simulator.content.scene import Scene, data

LEAD = re.compile(r"^كتب (?P<who>.+?) في (?P<where>.+?) يقول: ")
SENTENCE_WORDS = 4


def passage_for(scene: Scene) -> str:
    """The passage of a group that has none yet: the one that was written longest ago.

    When all have been written, two of them, so that no passage comes again as it was.
    """
    passages = data("passages")
    are_all_written = scene.memory.written("passages") == len(passages)
    row = scene.fresh("passages", passages)
    second = f" {passages[(passages.index(row) + 1) % len(passages)]['text']}" if are_all_written else ""
    return f"كتب {scene.name} في {scene.place} يقول: {row['text']}{second}"


def reading(scene: Scene, passage: str) -> Draft:
    """A question about the passage; consecutive slots get different ones."""
    found = LEAD.match(passage)
    body = passage[found.end() :] if found else passage
    row = next((row for row in data("passages") if body.startswith(row["text"])), None)
    if row is None:
        return _about_any(scene, passage)
    questions: list[list[str]] = row["questions"]
    asked, answer, wrong = questions[(scene.wanted.slot + scene.attempt) % len(questions)]
    writer = found["who"] if found else scene.name
    stem = f"وفق ما كتبه {writer} عن {row['title']}: {asked}"
    return Draft(stem, answer, tuple(wrong.split("|")), _working(row, answer))


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
