"""Values stored as JSON are read back unchanged."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis.strategies import builds, integers, lists, none, sampled_from, tuples

from db.session_row import batch_specs, batches_of, choice_of, choice_spec
from generation.model import Batch, Difficulty, PracticeChoice, Section, Topic

small = integers(0, 200)
batches = lists(builds(Batch, small, sampled_from(Section), small, small), max_size=10).map(tuple)
choices = builds(
    PracticeChoice,
    sampled_from(Section),
    tuples(sampled_from(Topic), sampled_from(Topic)),
    sampled_from(Difficulty),
    small,
)


@given(batches)
def test_batches_come_back_as_they_were(planned: tuple[Batch, ...]) -> None:
    assert batches_of(json.loads(json.dumps(batch_specs(planned)))) == planned


@given(choices | none())
def test_a_students_choice_comes_back_as_it_was(choice: PracticeChoice | None) -> None:
    assert choice_of(json.loads(json.dumps(choice_spec(choice)))) == choice
