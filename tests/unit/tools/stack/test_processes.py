from __future__ import annotations

from tools.stack.processes import WORKERS, Worker, worker


def test_a_worker_has_as_many_slots_as_the_setting_says_unless_it_is_given_a_number() -> None:
    assert [spec for spec in WORKERS if "--concurrency" in worker(spec)] == []
    small = worker(Worker("small", ("interactive",), concurrency=2))
    assert small[small.index("--concurrency") + 1] == "2"
