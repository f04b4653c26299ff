from __future__ import annotations

from tests.support.metrics_page import PAGE, api_metrics, page, worker_metrics

IDS = ("session", "user", "request", "task", "position", "batch_index")


def test_the_list_of_metrics_is_what_the_code_registers() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.support.metrics_page"


def test_no_metric_has_a_label_of_many_values_or_an_empty_meaning() -> None:
    for metric in (*api_metrics(), *worker_metrics()):
        assert not [label for label in metric.labels if any(word == label for word in IDS)], metric.name
        assert len(metric.meaning) > 10, metric.name


def test_metrics_are_named_in_base_units_and_counters_end_in_total() -> None:
    for metric in (*api_metrics(), *worker_metrics()):
        assert metric.name.startswith(("tafawoq_", "gen_ai_")), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert not metric.name.endswith(("_ms", "_milliseconds")), metric.name
