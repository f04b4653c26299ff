"""Which earlier questions a call should be told about: the likeliest to be repeated, within a budget.

Stems, never ids: a model that has not seen the earlier calls can learn nothing from an id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from generation.model import EarlierQuestion, Section, Slot

#: Longer stems are cut: what makes a question the same question is said at its beginning.
MAX_STEM_CHARS = 160


def stems_to_avoid(
    earlier: Sequence[EarlierQuestion], slots: Sequence[Slot], *, max_chars: int
) -> tuple[str, ...]:
    """The stems to avoid for these slots, most telling first, each on one line and none twice.

    Only of the slots' sections; the slots' topics first, then their question types, then the rest, and
    within each the latest first. Together no longer than `max_chars`.
    """
    sections = {slot.section for slot in slots}
    same_section = [question for question in earlier if _section_fits(question, sections)]
    ranked = sorted(same_section, key=_Relevance(slots), reverse=True)
    stems = dict.fromkeys(_one_line(question.stem) for question in ranked)
    return tuple(_within(max_chars, filter(None, stems)))


class _Relevance:
    def __init__(self, slots: Sequence[Slot]) -> None:
        self._topics = {slot.topic for slot in slots}
        self._types = {slot.question_type for slot in slots}

    def __call__(self, question: EarlierQuestion) -> tuple[bool, bool, int]:
        return question.topic in self._topics, question.question_type in self._types, question.position


def _section_fits(question: EarlierQuestion, sections: set[Section]) -> bool:
    return question.topic is None or question.topic.section in sections


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
