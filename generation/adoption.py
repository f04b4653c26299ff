"""Adopts a session that the web app's own generator began: what is written stays, and the rest is planned.

Positions and order of the written questions never change: answers, bookmarks and notes hang on them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Any, ClassVar
from uuid import UUID

from generation.apportion import apportion_by_weight
from generation.catalogue import CURRENT_VERSION
from generation.errors import SessionMissing
from generation.model import (
    Batch,
    EarlierQuestion,
    Plan,
    PracticeChoice,
    Section,
    SessionKind,
    Slot,
    Track,
)
from generation.old_questions import completed, content_of, is_readable, old_slot, section_of
from generation.plan import exam_quota, plan_rest, with_bundles
from generation.repeats.seen import Traits

#: The web app's pages count an exam's batches to ten, and ask for none after it.
EXAM_BATCHES = 10

#: The size of a practice batch in the web app's old generator.
PRACTICE_BATCH = 5

#: Old ids tell the batch: `exam_<session>_batch3_q0`, `practice_..._batch1_q2`, `quant_3_05`.
_BATCH_IN_ID = re.compile(r"(?:_batch|^quant_|^verbal_)(\d{1,3})_")


#: One batch: a section and its number of questions, or both sections.
_BatchParts = tuple[tuple[Section, int], ...]


class NotAdoptedReason(StrEnum):
    """Why a row of the web app is not adopted."""

    OVER = "over"  #: completed, abandoned or failed
    SHARED_COPY = "shared_copy"  #: a copy that the library or the forum made: all its questions are there
    STILL_GENERATING = "still_generating"  #: the old generator may still write to it; ask again later
    UNREADABLE_QUESTIONS = "unreadable_questions"  #: what stands in `questions` is no list of questions
    UNKNOWN_SECTION = "unknown_section"  #: a practice session that does not tell its section


class NotAdopted(SessionMissing):
    """The web app's session was begun by its old generator and cannot be adopted."""

    code: ClassVar[str] = "session_not_adopted"

    def __init__(self, reason: NotAdoptedReason, **context: Any) -> None:
        self.reason = reason
        super().__init__(f"The session is not adopted: {reason.value}.", reason=reason.value, **context)


@dataclass(frozen=True, slots=True)
class OldSession:
    """What the web app's row says of a session without a plan."""

    id: UUID
    kind: SessionKind
    track: Track
    questions: Sequence[Any]
    generated_batches: int
    total_questions: int
    practice: PracticeChoice | None = None


@dataclass(frozen=True, slots=True)
class OldQuestion:
    row: Mapping[str, Any]  #: as it then stands in the web app's row, completed
    content: Mapping[str, Any]  #: as generation.questions stores it
    slot: Slot
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """The plan of the whole session, whose first `written_batches` are written."""

    plan: Plan
    written_batches: int
    questions: tuple[OldQuestion, ...]


def adopt(old: OldSession, *, seed: int) -> Adoption:
    """The plan that continues the session, and its questions completed. Raises NotAdopted."""
    if not all(map(is_readable, old.questions)):
        raise NotAdopted(NotAdoptedReason.UNREADABLE_QUESTIONS, session_id=old.id)
    written, rest = _written(old), []
    if len(written) < old.total_questions:
        rest = _rest(old, [question.slot.section for question in written])
    begun = _begun(written, _first_of_rest(old, len(rest)))
    parts = _laid_out(rest, first=len(begun), start=len(written))
    slots = plan_rest(old.track, parts, seed=seed, choice=old.practice) if parts else ()
    plan = Plan(
        kind=old.kind,
        version=CURRENT_VERSION,
        seed=seed,
        track=old.track,
        batches=(*begun, *with_bundles(_merged(parts), slots)),
        slots=(*(question.slot for question in written), *slots),
        practice=old.practice,
    )
    return Adoption(plan, len(begun), written)


def _batch_count(old: OldSession) -> int:
    """How many batches are written by the row's own count; questions without a counted batch are one."""
    return max(old.generated_batches, 1 if old.questions else 0)


def _written(old: OldSession) -> tuple[OldQuestion, ...]:
    rows = [
        completed(question, index=index, fallback_id=f"{old.kind.value}_{old.id}_q{index}")
        for index, question in enumerate(old.questions)
    ]
    starts = _starts([str(question["id"]) for question in rows], _batch_count(old))
    seen: set[str] = set()
    return tuple(
        _old_question(old, question, index, starts=starts, seen=seen) for index, question in enumerate(rows)
    )


def _old_question(
    old: OldSession, row: Mapping[str, Any], index: int, *, starts: Sequence[int], seen: set[str]
) -> OldQuestion:
    default = Section.QUANTITATIVE if old.practice is None else old.practice.section
    batch_index = max(batch for batch, start in enumerate(starts) if start <= index)
    slot = old_slot(
        row,
        position=index,
        batch_index=batch_index,
        sequence=index - starts[batch_index] + 1,
        section=section_of(row) or default,
    )
    content = content_of(row, slot)
    fingerprint = Traits.of(_earlier(content, slot)).fingerprint
    if fingerprint in seen:  # the old generator repeated itself
        fingerprint = f"{fingerprint}-{index}"
    seen.add(fingerprint)
    return OldQuestion(row, content, slot, fingerprint)


def _earlier(content: Mapping[str, Any], slot: Slot) -> EarlierQuestion:
    return EarlierQuestion(
        position=slot.position,
        question_type=slot.question_type,
        stem=content["stem"],
        choices=tuple(content["choices"]),
        passage=content.get("passage"),
        topic=slot.topic,
    )


def _starts(ids: Sequence[str], batches: int) -> list[int]:
    """The position at which each written batch begins: by the ids where they tell it, else in equal parts.

    The first batch has no batch in its ids, and a batch may be short or empty.
    """
    found = [_BATCH_IN_ID.search(each) for each in ids]
    told = list(accumulate((int(match[1]) if match else 0 for match in found), max))
    named = [int(match[1]) for match in found if match]
    if named and named == sorted(named) and max(named) < batches:
        return [sum(batch < index for batch in told) for index in range(batches)]
    return [len(ids) * index // batches for index in range(batches)]


def _first_of_rest(old: OldSession, rest: int) -> int:
    """The index of the first batch that is still to be written.

    An exam's last batch has the index that the pages expect. Where fewer batches are left than they count, empty
    ones stand between, which count as written.
    """
    counted = _batch_count(old)
    return counted if old.practice is not None else max(counted, EXAM_BATCHES - rest)


def _begun(written: Sequence[OldQuestion], count: int) -> tuple[Batch, ...]:
    sizes = Counter(question.slot.batch_index for question in written)
    starts = list(accumulate((sizes[index] for index in range(count)), initial=0))
    return tuple(
        Batch(index, _main_section(written[start:stop]), start, stop - start)
        for index, (start, stop) in enumerate(pairwise(starts))
    )


def _main_section(questions: Sequence[OldQuestion]) -> Section:
    sections = Counter(question.slot.section for question in questions)
    return max(Section, key=lambda section: sections[section])


def _rest(old: OldSession, have: Sequence[Section]) -> list[_BatchParts]:
    """The batches still to be written. None when the pages would ask for no further batch."""
    left = old.total_questions - len(have)
    if old.practice is not None:
        sizes = [min(PRACTICE_BATCH, left - done) for done in range(0, left, PRACTICE_BATCH)]
        return [((old.practice.section, size),) for size in sizes]
    return _cut(_quota_left(old.track, Counter(have), left), EXAM_BATCHES - _batch_count(old))


def _laid_out(rest: Sequence[_BatchParts], *, first: int, start: int) -> tuple[Batch, ...]:
    laid_out: list[Batch] = []
    for index, parts in enumerate(rest, start=first):
        for section, size in parts:
            laid_out.append(Batch(index, section, start, size))
            start += size
    return tuple(laid_out)


def _quota_left(track: Track, have: Mapping[Section, int], left: int) -> dict[Section, int]:
    """`left` questions by section: what the exam's quota lacks, as far as that fits into the total."""
    quota = exam_quota(track)
    lacking = {section: max(0, quota[section] - have.get(section, 0)) for section in Section}
    if sum(lacking.values()) == left:
        return lacking
    return apportion_by_weight(lacking if any(lacking.values()) else dict(quota), left)


def _cut(quota: Mapping[Section, int], batches: int) -> list[_BatchParts]:
    """At most so many batches, quantitative first, as even as their number allows; only a single one is of both."""
    sections = [section for section in Section if quota[section]]
    if batches <= 1:
        return [tuple((section, quota[section]) for section in sections)] * batches
    shares = _shares(sections, quota, batches)
    return [
        ((section, size),)
        for section, share in zip(sections, shares, strict=True)
        for size in _sizes(quota[section], share)
    ]


def _shares(sections: Sequence[Section], quota: Mapping[Section, int], batches: int) -> list[int]:
    """How many batches each section gets: those with the smallest largest batch, and no batch too many."""
    if len(sections) == 1:
        return [min(batches, quota[sections[0]])]
    one, other = (quota[section] for section in sections)
    shares = [(share, batches - share) for share in range(1, batches)]
    best = min(shares, key=lambda pair: max(-(-one // pair[0]), -(-other // pair[1])))
    return [min(best[0], one), min(best[1], other)]


def _sizes(total: int, batches: int) -> list[int]:
    """Full tens and a smaller last one where that fits, as a plan from the beginning has; else equal parts."""
    if -(-total // EXAM_BATCHES) == batches:
        return [min(EXAM_BATCHES, total - done) for done in range(0, total, EXAM_BATCHES)]
    return [total // batches + (place < total % batches) for place in range(batches)]


def _merged(parts: Sequence[Batch]) -> tuple[Batch, ...]:
    """One batch for each index: two parts of one index become one."""
    merged: dict[int, Batch] = {}
    for part in parts:
        first = merged.get(part.index)
        merged[part.index] = (
            part if first is None else Batch(part.index, first.section, first.start, first.size + part.size)
        )
    return tuple(merged.values())
