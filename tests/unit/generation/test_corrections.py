"""A person's correction of a question."""

from __future__ import annotations

import pytest

from generation.corrections import CorrectionRejected, checked


@pytest.mark.parametrize("value", [True, False, 2.0, "2", None, 4, -1])
def test_only_a_whole_number_from_0_to_3_becomes_the_key(value: object) -> None:
    with pytest.raises(CorrectionRejected, match="answerIndex is 0, 1, 2 or 3"):
        checked({"answerIndex": 3}, {"answerIndex": value})


@pytest.mark.parametrize("value", [0, 1, 2])
def test_another_key_is_a_correction(value: int) -> None:
    assert checked({"answerIndex": 3}, {"answerIndex": value}) == {"answerIndex": value}
