from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.demo.shape import exam_shape


@pytest.mark.parametrize(
    ("track", "quantitative", "verbal"),
    [
        ("scientific", [10, 10, 10, 10, 10, 7], [10, 10, 10, 9]),
        ("literary", [10, 10, 9], [10, 10, 10, 10, 10, 10, 7]),
    ],
)
def test_an_exam_of_tens_has_the_published_batches(
    track: str, quantitative: list[int], verbal: list[int]
) -> None:
    shape = exam_shape(track, 10)

    assert [batch.size for batch in shape if batch.section == "quantitative"] == quantitative
    assert [batch.size for batch in shape if batch.section == "verbal"] == verbal


@given(st.sampled_from(["scientific", "literary"]), st.integers(1, 20))
def test_batches_of_any_size_tile_the_exam(track: str, size: int) -> None:
    shape = exam_shape(track, size)

    assert [position for batch in shape for position in range(batch.start, batch.start + batch.size)] == list(
        range(96)
    )
