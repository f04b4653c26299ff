"""Which earlier questions a call should be told about: the likeliest to be repeated, within a budget.

Stems, never ids: a model that has not seen the earlier calls can learn nothing from an id. The validator keeps
repeats out whatever a call was told, so a stem must be worth its tokens.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, zip_longest

from generation.model import EarlierQuestion, QuestionType, Slot, Topic

#: Longer stems are cut: what makes a question the same question is said at its beginning.
MAX_STEM_CHARS = 100


def stems_to_avoid(
    earlier: Sequence[EarlierQuestion], slots: Sequence[Slot], *, max_chars: int
) -> tuple[str, ...]:
    """The stems to avoid for these slots, most telling first, each on one line and none twice.

    Only of the slots' topics, which take turns: each names its own questions, first what was disputed in
    the very slots, then those of the wanted type, and of these the latest. One stem stands for a passage that is not asked about again. Together no
    longer than `max_chars`.
    """
    wanted = {slot.passage_group for slot in slots}
    tellable = list(_one_a_passage(earlier, wanted))
    kinds = dict.fromkeys((slot.topic, slot.question_type) for slot in slots)
    places = {slot.position for slot in slots}
    rankings = [_ranked(tellable, topic, question_type, places) for topic, question_type in kinds]
    in_turn = filter(None, chain.from_iterable(zip_longest(*rankings)))
    stems = dict.fromkeys(_one_line(question.stem) for question in in_turn)
    return tuple(_within(max_chars, filter(None, stems)))


def _one_a_passage(earlier: Sequence[EarlierQuestion], wanted: set[int | None]) -> Iterator[EarlierQuestion]:
    """Questions about another passage are no repeats; one of them tells what it was about."""
    told: set[str] = set()
    for question in earlier:
        if question.passage is None or question.passage_group in wanted - {None}:
            yield question
        elif question.passage not in told:
            told.add(question.passage)
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
