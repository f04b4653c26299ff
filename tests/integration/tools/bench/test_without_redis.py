"""The short form of `python -m tools.studies.economics.without_redis`."""

from __future__ import annotations

from tools.studies.economics.without_redis import TROUBLES, Pressure, Trouble, measure

PRESSURE = Pressure(arrive_within_s=0.5, runs=1, seed=1)


def test_without_redis_each_process_pays_for_a_cold_prefix_once() -> None:
    found = measure(Trouble(students=4), redis_there=False, pressure=PRESSURE)
    assert found["ready"] == "4/4"
    assert 1 <= found["cache_writes"] <= 2


def test_without_redis_a_dead_provider_is_left_alone_and_every_batch_gets_ready() -> None:
    found = measure(Trouble(students=4, faults=TROUBLES["down"].faults), redis_there=False, pressure=PRESSURE)
    assert found["ready"] == "4/4"
    assert found["calls_to_fallback"] == 40
    assert 1 <= found["of_them_failed"] < 20, "forty when every call finds out for itself"
