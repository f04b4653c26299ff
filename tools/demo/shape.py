"""What an exam must look like, from the published plan and not from our own code: the demo checks the system."""

from __future__ import annotations

from dataclasses import dataclass

_SECTIONS = {
    "scientific": (("quantitative", 57), ("verbal", 39)),
    "literary": (("quantitative", 29), ("verbal", 67)),
}


@dataclass(frozen=True, slots=True)
class BatchShape:
    section: str
    start: int
    size: int


def exam_shape(track: str, batch_size: int) -> tuple[BatchShape, ...]:
    """The batches in order: section-pure, full but for the last of each section."""
    batches: list[BatchShape] = []
    start = 0
    for section, count in _SECTIONS[track]:
        end = start + count
        while start < end:
            size = min(batch_size, end - start)
            batches.append(BatchShape(section, start, size))
            start += size
    return tuple(batches)
