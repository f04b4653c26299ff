"""Who knows every other key of a session guesses the last one hardly better than by chance (design section 6)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from itertools import groupby, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model import CHOICES_PER_QUESTION, Batch, Difficulty, PracticeChoice, Section, Topic, Track
from generation.plan import plan_exam, plan_practice
from generation.slot_assignment import (
    JUDGED_FROM,
    LARGEST_SHARE,
    LONGEST_RUN,
    draw_places,
    looks_random,
)

MOST_GUESSED_RIGHT = 0.30
EXAMS = 300
PLACES = range(CHOICES_PER_QUESTION)

Keys = list[list[int]]  #: of one session, batch after batch; without the questions that have no key place
Clue = Callable[[Keys, int, int], Hashable]


def of(batches: Sequence[Batch], places: dict[int, int | None]) -> Keys:
    return [
        [key for position in range(batch.start, batch.stop) if (key := places[position]) is not None]
        for batch in batches
    ]


def exams() -> list[Keys]:
    return [
        of(plan.batches, {slot.position: slot.key_index for slot in plan.slots})
        for track in Track
        for seed in range(EXAMS)
        for plan in [plan_exam(track, batch_size=10, seed=seed)]
    ]


def practices(questions: int) -> list[Keys]:
    choice = PracticeChoice(Section.VERBAL, (Topic.ANALOGY, Topic.VOCABULARY), Difficulty.MEDIUM, questions)
    return [
        of(plan.batches, {slot.position: slot.key_index for slot in plan.slots})
        for seed in range(12_000 // questions)
        for plan in [plan_practice(choice, track=Track.LITERARY, batch_size=5, seed=seed)]
    ]


SESSIONS: dict[str, Callable[[], list[Keys]]] = {
    "exam": exams,
    **{f"practice of {n}": partial(practices, n) for n in (5, 10, 20, 40)},
}


@pytest.fixture(scope="module", params=SESSIONS)
def sessions(request: pytest.FixtureRequest) -> list[Keys]:
    return SESSIONS[str(request.param)]()


def _others_of_session(keys: Keys, batch: int, place: int) -> tuple[int, ...]:
    return _counts(
        key for b, some in enumerate(keys) for p, key in enumerate(some) if (b, p) != (batch, place)
    )


def _others_of_batch(keys: Keys, batch: int, place: int) -> tuple[int, ...]:
    return _counts(key for p, key in enumerate(keys[batch]) if p != place)


def _counts(keys: Iterator[int]) -> tuple[int, ...]:
    counted = Counter(keys)
    return tuple(counted[place] for place in PLACES)


def _rarest(counts: tuple[int, ...]) -> int:
    return counts.index(min(counts))


def _before_and_after(keys: Keys, batch: int, place: int) -> tuple[int | None, int | None]:
    flat = [key for some in keys for key in some]
    at = sum(map(len, keys[:batch])) + place
    return (flat[at - 1] if at else None, flat[at + 1] if at + 1 < len(flat) else None)


CLUES: dict[str, Clue] = {
    "the rarest place of the session": lambda keys, b, p: _rarest(_others_of_session(keys, b, p)),
    "the rarest place of the batch": lambda keys, b, p: _rarest(_others_of_batch(keys, b, p)),
    "the place in the batch": lambda keys, b, p: (len(keys[b]), p),
    "the keys before and after": _before_and_after,
}


@pytest.mark.parametrize("clue", CLUES)
def test_no_clue_tells_the_last_key(sessions: list[Keys], clue: str) -> None:
    """The guesser learns from one half of the sessions what follows from the clue, and guesses in the other."""
    learned: dict[Hashable, Counter[int]] = defaultdict(Counter)
    right = asked = 0
    half = len(sessions) // 2
    for number, keys in enumerate(sessions):
        for batch, some in enumerate(keys):
            for place, key in enumerate(some):
                sign = CLUES[clue](keys, batch, place)
                if number < half:
                    learned[sign][key] += 1
                elif sign in learned:
                    asked += 1
                    right += learned[sign].most_common(1)[0][0] == key
    assert asked > 2000
    assert right / asked <= MOST_GUESSED_RIGHT


def test_even_who_knows_how_places_are_drawn_cannot_tell_the_last_key(sessions: list[Keys]) -> None:
    """No guesser can do better: all allowed sequences are equally likely, so one of the allowed keys is right."""
    shares = [
        share for keys in sessions[:120] for share in _best_shares([key for some in keys for key in some])
    ]
    assert sum(shares) / len(shares) <= MOST_GUESSED_RIGHT


def _best_shares(flat: list[int]) -> Iterator[float]:
    for at in range(len(flat)):
        yield 1 / sum(looks_random([*flat[:at], place, *flat[at + 1 :]]) for place in PLACES)


@given(st.integers(0, 100), st.integers())
def test_places_look_random(number: int, seed: int) -> None:
    places = draw_places(number, Random(seed))
    assert len(places) == number
    assert all(sum(1 for _ in run) <= LONGEST_RUN for _, run in groupby(places))
    if number >= JUDGED_FROM:
        assert max(Counter(places).values()) <= LARGEST_SHARE * number


def test_every_place_and_every_pair_of_places_is_as_likely_as_another(sessions: list[Keys]) -> None:
    flat = [[key for some in keys for key in some] for keys in sessions]
    places = Counter(key for keys in flat for key in keys)
    pairs = Counter(pair for keys in flat for pair in pairwise(keys))
    for counted, ways in ((places, 4), (pairs, 16)):
        assert len(counted) == ways
        assert all(0.8 < number * ways / counted.total() < 1.2 for number in counted.values())
