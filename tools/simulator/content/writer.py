"""Writes one object for every wanted slot, in order, in the reply format that was agreed on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from tools.simulator.asked import Asked, Wanted
from tools.simulator.content import verbal
from tools.simulator.content.draft import Draft, Template
from tools.simulator.content.memory import Memory
from tools.simulator.content.reading import passage_for, reading
from tools.simulator.content.registry import templates_for
from tools.simulator.content.scene import Scene, data
from tools.simulator.tokens import beyond_ascii, count_tokens, tokens_of

ATTEMPTS = 12
#: For a comparison with the planned answer; after these it may be about a neighbouring subtopic, then any.
OF_SUBTOPIC, OF_TOPIC, PLANNED_ATTEMPTS = 12, 30, 60
TOKENS = (250, 350)  #: of one object without its passage
KEYS_TOKENS = 30  #: of these
SENTENCE_CHARS = 25  #: of a verbal sentence behind its lead-in: enough to know it in a stem that was cut
AVOIDED_CHARS = 90  #: avoided stems may arrive cut; the beginning is enough to know one
NO_DIGITS = str.maketrans("0123456789", "##########")
VERBAL: dict[str, Template] = {
    "analogy": verbal.analogy,
    "completion": verbal.completion,
    "error": verbal.context_error,
    "odd-word": verbal.odd_word,
}


def write_questions(asked: Asked, *, seed: str, memory: Memory | None = None) -> Iterator[dict[str, Any]]:
    """Valid questions, no stem twice and none of the avoided ones. The same seed and memory give the same questions.

    With a memory that other replies share, content that they used comes again only when all other has been used.
    """
    memory = memory or Memory()
    passages = dict(asked.passages)
    used = {_mark(stem) for stem in asked.avoid}
    for wanted in asked.wanted:
        new_passage = None
        if wanted.type == "reading" and _group(wanted) not in passages:
            new_passage = passages[_group(wanted)] = passage_for(Scene(wanted, seed=seed, memory=memory))
        draft = _fresh(wanted, passages.get(_group(wanted)), used, seed, memory)
        yield _object(wanted, draft, new_passage, Random(f"{seed}:{wanted.slot}:length"))


def _group(wanted: Wanted) -> int:
    """A reading slot without a group has a passage of its own."""
    return wanted.group if wanted.group is not None else -1 - wanted.slot


def _fresh(wanted: Wanted, passage: str | None, used: set[str], seed: str, memory: Memory) -> Draft:
    """With a stem that is not among those `used`, if there is one; it joins them."""
    for attempt in range(PLANNED_ATTEMPTS if wanted.answer else ATTEMPTS):
        draft = _write(Scene(wanted, seed=seed, attempt=attempt, memory=memory), passage)
        mark = _mark(draft.stem)
        is_sound = len({draft.answer, *draft.wrong}) == 1 + len(draft.wrong)
        if is_sound and wanted.answer in {"", draft.answer} and not _is_used(draft, mark, used):
            break
    used.add(mark)
    return draft


def _is_used(draft: Draft, mark: str, used: set[str]) -> bool:
    sentence = " ".join(draft.sentence[:SENTENCE_CHARS].translate(NO_DIGITS).split())
    return mark in used or (sentence != "" and any(sentence in one for one in used))


def _write(scene: Scene, passage: str | None) -> Draft:
    wanted = scene.wanted
    if wanted.type == "reading":
        return reading(scene, passage or "")
    if wanted.type in VERBAL:
        return VERBAL[wanted.type](scene)
    if wanted.section == "verbal" or wanted.topic == "vocabulary":
        return verbal.vocabulary(scene)
    return scene.by_turn(_templates(scene), 1)(scene)


def _templates(scene: Scene) -> list[Template]:
    """The most fitting ones; other ones for a comparison that did not get its planned answer from those."""
    wanted = scene.wanted
    if not wanted.answer or scene.attempt < OF_SUBTOPIC:
        return templates_for(wanted)
    topic = wanted.topic if scene.attempt < OF_TOPIC else ""
    return templates_for(replace(wanted, subtopic="", topic=topic, difficulty=""))


def _mark(stem: str) -> str:
    """What makes a stem the same stem: its beginning without its numbers."""
    return " ".join(stem[:AVOIDED_CHARS].rstrip("… ").translate(NO_DIGITS).split())


def _object(wanted: Wanted, draft: Draft, passage: str | None, rng: Random) -> dict[str, Any]:
    """Keys in the agreed order; the solution is as long as a model's would be."""
    written: dict[str, Any] = {"slot": wanted.slot}
    if passage is not None:
        written["p"] = passage
    written["q"] = draft.stem
    if draft.figure is not None:
        written["f"] = draft.figure
    written["w"] = _long_enough(draft, rng)
    if draft.declared is not None:
        written["e"] = draft.declared
    written["a"] = draft.answer
    if draft.wrong:
        written["d"] = list(draft.wrong)
    return written


def _long_enough(draft: Draft, rng: Random) -> str:
    figure = "" if draft.figure is None else json.dumps(draft.figure, ensure_ascii=False)
    besides = count_tokens("".join((draft.stem, figure, draft.answer, *draft.wrong))) + KEYS_TOKENS
    room = rng.randint(*TOKENS) - besides
    remarks: list[str] = list(data("remarks"))
    rng.shuffle(remarks)
    working, end = draft.working, f" إذن الجواب: {draft.answer}."
    letters, beyond = len(working + end), beyond_ascii(working + end)
    while remarks and tokens_of(letters, beyond) < room:
        remark = f" {remarks.pop()}"
        working += remark
        letters, beyond = letters + len(remark), beyond + beyond_ascii(remark)
    return working + end
