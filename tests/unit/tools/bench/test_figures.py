from __future__ import annotations

from tools.bench.figures import table


def test_a_table_tells_money_in_dollars_and_cents_and_leaves_other_figures_as_they_are() -> None:
    reported = table([{"way": "warm", "exam_usd": 0.2764, "read_usd": 0.0043, "of_plan": 0.7087}])

    assert " ".join(reported.splitlines()[1].split()) == "warm $0.28 less than a cent 0.709"
