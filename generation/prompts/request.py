"""One call's prompt: the shared prefix, then the only part that varies, in the user message.

The message is lines: a few Arabic sentences, the wanted slots and the known passages as JSON, earlier
stems each after a dash. Whatever comes from data or from a model is JSON-encoded or flattened, so that
nothing in it can pass for a line of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generation.model import EarlierQuestion, Prompt, QuestionType, Section, Slot, Track
from generation.prompts.avoidance import stems_to_avoid
from generation.prompts.blocks import system_blocks

#: Room for one question with its solution; about twice what one takes.
TOKENS_PER_QUESTION = 800
#: Room for a passage that the call has to write.
TOKENS_PER_PASSAGE = 1_200
#: Room for the data of a diagram or a chart.
TOKENS_PER_FIGURE = 400
#: Room for the earlier stems of one call, and more of it for every slot. They are paid in full by every call,
#: because the prefix ends before them.
AVOIDED_CHARS = 200
AVOIDED_CHARS_PER_SLOT = 80

_FIGURED = frozenset({QuestionType.DIAGRAM, QuestionType.CHART})

_TRACKS = {Track.SCIENTIFIC: "scientific (العلمي)", Track.LITERARY: "literary (الأدبي)"}

_DEPTHS = {
    (Track.SCIENTIFIC, Section.QUANTITATIVE): (
        "متقدم. عبّر بالرموز والمعادلات حيث تسمح الخانة، واربط بين فكرتين، واجعل الهندسة تركيبية."
    ),
    (Track.SCIENTIFIC, Section.VERBAL): (
        "متوسط. نصوص علمية وتقنية واضحة، ومفردات متداولة، وعلاقات منطقية ظاهرة القرائن."
    ),
    (Track.LITERARY, Section.QUANTITATIVE): (
        "أساسي. مسائل من الحياة تُحل بالحساب والنسب والمعادلة البسيطة، بأعداد صغيرة وبلا رموز كثيرة."
    ),
    (Track.LITERARY, Section.VERBAL): (
        "متقدم. نصوص أدبية وفكرية واجتماعية، ومفردات أغنى، وفروق أدق بين المعاني المتقاربة."
    ),
}

#: Characters that JSON leaves as they are and that a reader of lines takes for the end of one.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


def build_prompt(
    *,
    track: Track,
    slots: Sequence[Slot],
    passages: Mapping[int, str],
    earlier: Sequence[EarlierQuestion] = (),
) -> Prompt:
    """The words of one call that asks for exactly these slots, in this order. Equal input, equal bytes.

    `slots` are of one section and not empty; `passages` are the known ones by group, of which the wanted
    groups are told; `earlier` are the questions not to repeat.
    """
    (section,) = {slot.section for slot in slots}
    room = AVOIDED_CHARS + AVOIDED_CHARS_PER_SLOT * len(slots)
    avoided = stems_to_avoid(earlier, slots, max_chars=room)
    return Prompt(
        system=system_blocks(section),
        user="\n".join(_lines(track, section, slots, passages=passages, avoided=avoided)),
        max_tokens=_room(slots, passages),
    )


def _lines(
    track: Track,
    section: Section,
    slots: Sequence[Slot],
    *,
    passages: Mapping[int, str],
    avoided: Sequence[str],
) -> Iterator[str]:
    yield f"المسار: {_TRACKS[track]}"
    yield f"العمق: {_DEPTHS[track, section]}"
    yield f"عدد الأسطر المطلوبة: {len(slots)}"
    yield ""
    yield "الخانات:"
    yield from (json_line(_wanted(slot)) for slot in slots)
    known = [group for group in _groups(slots) if group in passages]
    if known:
        yield from ("", "النصوص المعروفة:")
        yield from (json_line({"group": group, "passage": passages[group]}) for group in known)
    if avoided:
        yield from ("", "أسئلة سابقة لا تكررها:")
        yield from (f"- {stem}" for stem in avoided)


def _wanted(slot: Slot) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "slot": slot.position,
        "type": slot.question_type.value,
        "section": slot.section.value,
        "topic": slot.topic.value,
        "subtopic": slot.subtopic,
        "difficulty": slot.difficulty.value,
        "angle": slot.angle,
    }
    if slot.passage_group is not None:
        wanted["group"] = slot.passage_group
    return wanted


def _groups(slots: Sequence[Slot]) -> list[int]:
    """The passage groups asked for, in order, each once."""
    return list(dict.fromkeys(slot.passage_group for slot in slots if slot.passage_group is not None))


def json_line(line: Mapping[str, Any]) -> str:
    """The object on one line, whatever its texts hold."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).translate(_LINE_ENDS)


def _room(slots: Sequence[Slot], passages: Mapping[int, str]) -> int:
    """More tokens than the reply should take: a bound for a runaway reply, never one for a good one."""
    unwritten = sum(group not in passages for group in _groups(slots))
    figures = sum(slot.question_type in _FIGURED for slot in slots)
    return len(slots) * TOKENS_PER_QUESTION + unwritten * TOKENS_PER_PASSAGE + figures * TOKENS_PER_FIGURE
