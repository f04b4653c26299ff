"""docs/metrics.md, made of what the processes register: `python -m tests.support.metrics_page`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from api.metrics import ApiMetrics
from runtime.metrics import Metrics

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

_INTRODUCTION = """\
# Metrics

For an operator who draws a dashboard or writes an alert.

Made from the code by `python -m tests.support.metrics_page`; a test keeps it current.

The API serves its page at `/metrics` of its own port. Each worker serves one at `WORKER_METRICS_PORT`, when that is
not 0. A worker is one process with threads, so its page is complete; several workers are several targets, and sums
over them are right. Both pages also hold the `process_*` and the workers' `python_*` metrics of the client library.

Labels have few values: no session, user or request. Model calls are named as OpenTelemetry's GenAI conventions name
them, with `_` for `.`; `gen_ai_provider_name` is `anthropic` for the provider that logs and the ledger call `claude`.
Levels (`tafawoq_batches`, `tafawoq_queue_oldest_seconds`, ...) come from Postgres and are the same at every API
process: take their `max`, not their `sum`. Flower's own `flower_*` metrics stand at its `/metrics`.
"""


@dataclass(frozen=True, slots=True)
class Described:
    name: str  #: as it stands at the endpoint, without the suffixes of a histogram
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def series(self) -> set[str]:
        """The names that a query may use."""
        if self.kind != "histogram":
            return {self.name}
        return {f"{self.name}_{suffix}" for suffix in ("bucket", "count", "sum")}


def api_metrics() -> list[Described]:
    return sorted(_described(ApiMetrics()), key=lambda metric: metric.name)


def worker_metrics() -> list[Described]:
    return sorted(_described(Metrics(CollectorRegistry())), key=lambda metric: metric.name)


def _described(owner: object) -> Iterator[Described]:
    for metric in vars(owner).values():
        if isinstance(metric, MetricWrapperBase):
            suffix = "_total" if metric._type == "counter" else ""
            yield Described(
                f"{metric._name}{suffix}", str(metric._type), tuple(metric._labelnames), metric._documentation
            )


def page() -> str:
    return "\n".join(
        [
            _INTRODUCTION,
            *_table("At the API", api_metrics()),
            *_table("At each worker", worker_metrics()),
        ]
    )


def _table(title: str, metrics: list[Described]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| metric | type | labels | meaning |"
    yield "|---|---|---|---|"
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page())
