"""The prompt of one call: the shared prefix, then the only part that varies, in the user message.

The message consists of lines: a few Arabic sentences, the wanted slots, the patterns of their figures and the known
passages as JSON, and earlier stems, each after a dash. Text from data or from a model is JSON-encoded or put on one
line, so that it cannot imitate one of our lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generation.model import COMPARISON_CHOICES, FIGURED_TYPES, EarlierQuestion, Section, Slot, Track
from generation.model_call import Prompt
from generation.prompts.avoidance import stems_to_avoid
from generation.prompts.blocks import system_blocks
from generation.prompts.patterns import written_as

#: For one question with its solution; about twice the usual number.
TOKENS_PER_QUESTION = 800
#: For a passage that the call has to write.
TOKENS_PER_PASSAGE = 1_200
#: For the data of a diagram or a chart.
TOKENS_PER_FIGURE = 400
#: For a tip and a solving strategy.
TOKENS_PER_HINTS = 300
#: The budget for the earlier stems of one call: a base, and more for every slot. Every call pays for them in
#: full, because the cached prefix ends before them.
AVOIDED_CHARS = 200
AVOIDED_CHARS_PER_SLOT = 80

#: What a provider reads that is asked again, in words other than the shared rules'.
_AGAIN = (
    "رد سابق على هذه الخانات لم يُقبل كله أو بعضه. اكتب الآن لكل خانة كائن JSON واحدًا في سطر واحد، بالمفاتيح "
    "المتفق عليها وبرقم الخانة كما ورد أعلاه، بلا غلاف ولا مصفوفة ولا مقدمة ولا خاتمة."
)

#: What asks for a tip and a strategy: in the user message, so that the shared prefix stays the same without them.
_HINTS = (
    'أضف إلى كل كائن، بعد المفاتيح كلها، مفتاحين: "s" خطة الحل في جملة واحدة لا تزيد على 150 حرفًا، و"t" نصيحة '
    "قصيرة لمثل هذا السؤال لا تزيد على 100 حرف. يقرؤهما الطالب بعد أن يجيب."
)

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

#: Characters that JSON does not escape, but that may be read as the end of a line.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


def build_prompt(
    *,
    track: Track,
    slots: Sequence[Slot],
    passages: Mapping[int, str],
    earlier: Sequence[EarlierQuestion] = (),
    rejections: Sequence[str] = (),
    with_hints: bool = False,
) -> Prompt:
    """The prompt of one call for exactly these slots, in this order. Equal input gives equal bytes.

    `slots`: of one section, not empty. `passages`: the known ones by group; only the wanted groups are included.
    `earlier`: the questions not to repeat. `rejections`: our own names for why an earlier reply was not accepted.
    `with_hints`: ask for a tip and a solving strategy as well.
    """
    (section,) = {slot.section for slot in slots}
    max_chars = AVOIDED_CHARS + AVOIDED_CHARS_PER_SLOT * len(slots)
    avoided = stems_to_avoid(earlier, slots, max_chars=max_chars)
    return Prompt(
        system=system_blocks(section),
        user="\n".join(
            [
                *_lines(track, section, slots, passages=passages, avoided=avoided, rejections=rejections),
                *(("", _HINTS) if with_hints else ()),
            ]
        ),
        max_tokens=_max_tokens(slots, passages) + (len(slots) * TOKENS_PER_HINTS if with_hints else 0),
    )


def _lines(
    track: Track,
    section: Section,
    slots: Sequence[Slot],
    *,
    passages: Mapping[int, str],
    avoided: Sequence[str],
    rejections: Sequence[str],
) -> Iterator[str]:
    yield f"المسار: {_TRACKS[track]}"
    yield f"العمق: {_DEPTHS[track, section]}"
    yield f"عدد الأسطر المطلوبة: {len(slots)}"
    yield ""
    yield "الخانات:"
    yield from (json_line(_wanted(slot)) for slot in slots)
    if patterns := _patterns(slots):
        yield from ("", "أنماط الأشكال:")
        yield from (json_line(written_as(name, web_app_only=only)) for name, only in patterns.items())
    known = [group for group in _groups(slots) if group in passages]
    if known:
        yield from ("", "النصوص المعروفة:")
        yield from (json_line({"group": group, "passage": passages[group]}) for group in known)
    if avoided:
        yield from ("", "أسئلة سابقة لا تكررها:")
        yield from (f"- {stem}" for stem in avoided)
    if rejections:
        yield from ("", _AGAIN, f"أسباب الرفض: {', '.join(rejections)}")


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
    if slot.pattern is not None:
        wanted["pattern"] = slot.pattern
    if slot.passage_group is not None:
        wanted["group"] = slot.passage_group
    if slot.wanted_answer is not None:
        wanted["answer"] = COMPARISON_CHOICES[slot.wanted_answer]
    return wanted


def _patterns(slots: Sequence[Slot]) -> dict[str, bool]:
    """The wanted figure patterns, each once, and whether only the web app's renderers draw them."""
    return {slot.pattern: slot.web_app_only for slot in slots if slot.pattern is not None}


def _groups(slots: Sequence[Slot]) -> list[int]:
    """The wanted passage groups, in order, each once."""
    return list(dict.fromkeys(slot.passage_group for slot in slots if slot.passage_group is not None))


def json_line(line: Mapping[str, Any]) -> str:
    """The object as JSON on one line, whatever text it contains."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).translate(_LINE_ENDS)


def _max_tokens(slots: Sequence[Slot], passages: Mapping[int, str]) -> int:
    """More tokens than a good reply takes: the limit stops only a runaway reply."""
    unwritten = sum(group not in passages for group in _groups(slots))
    figures = sum(slot.question_type in FIGURED_TYPES for slot in slots)
    return len(slots) * TOKENS_PER_QUESTION + unwritten * TOKENS_PER_PASSAGE + figures * TOKENS_PER_FIGURE
