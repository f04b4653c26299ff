"""Selects the earlier questions that a prompt lists: the likeliest to be repeated, within a budget.

It lists stems, never ids: a model that has not seen the earlier calls learns nothing from an id. The validator
rejects repeats in any case, so a listed stem must be worth its tokens.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, zip_longest

from generation.model import EarlierQuestion, QuestionType, Slot, Topic

#: Longer stems are cut: the beginning is enough to recognize a question.
MAX_STEM_CHARS = 100


def stems_to_avoid(
    earlier: Sequence[EarlierQuestion], slots: Sequence[Slot], *, max_chars: int
) -> tuple[str, ...]:
    """The stems to avoid for these slots, the most relevant first, each on one line and none twice.

    The slots' topics and types take turns. Each contributes the questions of its topic: first those now in the
    wanted slots (disputed ones), then those of the wanted type, the latest first. A passage that the slots do
    not use is represented by one stem. The stems have at most `max_chars` characters together.
    """
    wanted = {slot.passage_group for slot in slots}
    listable = list(_one_a_passage(earlier, wanted))
    kinds = dict.fromkeys((slot.topic, slot.question_type) for slot in slots)
    places = {slot.position for slot in slots}
    rankings = [_ranked(listable, topic, question_type, places) for topic, question_type in kinds]
    in_turn = filter(None, chain.from_iterable(zip_longest(*rankings)))
    stems = dict.fromkeys(_one_line(question.stem) for question in in_turn)
    return tuple(_within(max_chars, filter(None, stems)))


def _one_a_passage(earlier: Sequence[EarlierQuestion], wanted: set[int | None]) -> Iterator[EarlierQuestion]:
    """Questions about another passage are no repeats, so one of them represents the passage."""
    represented: set[str] = set()
    for question in earlier:
        if question.passage is None or question.passage_group in wanted - {None}:
            yield question
        elif question.passage not in represented:
            represented.add(question.passage)
            yield question


def _ranked(
    earlier: Sequence[EarlierQuestion], topic: Topic, question_type: QuestionType, places: Container[int]
) -> list[EarlierQuestion]:
    def worth(one: EarlierQuestion) -> tuple[bool, bool, int]:
        return one.position in places, one.question_type is question_type, one.position

    of_topic = [question for question in earlier if question.topic in {None, topic}]
    return sorted(of_topic, key=worth, reverse=True)


def _one_line(stem: str) -> str:
    flat = " ".join(stem.split())
    return flat if len(flat) <= MAX_STEM_CHARS else f"{flat[:MAX_STEM_CHARS].rstrip()}…"


def _within(max_chars: int, stems: Iterable[str]) -> Iterator[str]:
    left = max_chars
    for stem in stems:
        left -= len(stem)
        if left < 0:
            return
        yield stem
