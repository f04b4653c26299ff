from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tools.chaos.faults import KILLS, Amount, Kind, draw

COUNTS = st.integers(0, 40)
AMOUNTS = st.builds(
    Amount,
    kills=COUNTS,
    redis_restarts=COUNTS,
    redis_flushes=COUNTS,
    connection_drops=COUNTS,
    postgres_restarts=COUNTS,
    pubsub_kills=COUNTS,
    refusals=COUNTS,
    poisonings=COUNTS,
    read_only_spells=COUNTS,
)


@given(AMOUNTS, st.integers())
def test_a_seed_gives_exactly_the_amount_and_always_the_same(amount: Amount, seed: int) -> None:
    faults = draw(amount, duration_s=60, seed=seed)
    assert faults == draw(amount, duration_s=60, seed=seed)
    assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)
    kinds = Counter(fault.kind for fault in faults)
    assert sum(kinds[kind] for kind in KILLS) == amount.kills
    assert kinds[Kind.RESTART_REDIS] == amount.redis_restarts
    assert kinds[Kind.RESTART_POSTGRES] == amount.postgres_restarts
    assert kinds[Kind.KILL_PUBSUB] == amount.pubsub_kills
    assert kinds[Kind.REFUSE_CONNECTIONS] == amount.refusals
    assert kinds[Kind.POISON_MESSAGES] == amount.poisonings
    assert kinds[Kind.READ_ONLY_POSTGRES] == amount.read_only_spells
