from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind
from structlog.testing import capture_logs

from runtime import span_export
from runtime.settings import SettingsError, load
from runtime.span_export import LOOK_AGAIN_S, OutageTolerantExporter
from runtime.tracing import Tracing, TracingSettings, start_tracing, traceparent_of
from tests.support.collector import Collector
from tools.stack.processes import PROJECT

SECRET = "Bearer hunter2"
W3C = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in TracingSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def started(address: str, service: str = "tafawoq-api", **settings: object) -> Tracing:
    return start_tracing(
        TracingSettings.model_validate({"otel_exporter_otlp_endpoint": address, **settings}), service=service
    )


def test_without_an_address_nothing_that_sends_is_loaded_and_no_thread_is_made() -> None:
    script = (
        "import sys, threading, api.__main__, worker.assembly\n"
        "from runtime.tracing import TracingSettings, start_tracing\n"
        "assert not start_tracing(TracingSettings(), service='tafawoq-api').is_on\n"
        "print([name for name in sys.modules if name.startswith(('runtime.span', 'opentelemetry.exporter'))])\n"
        "print(threading.active_count())\n"
    )
    command = [sys.executable, "-c", script]
    reported = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (reported.returncode, reported.stdout.split()) == (0, ["[]", "1"]), reported.stderr


def test_a_span_of_nobody_takes_everything_and_is_no_parent() -> None:
    tracing = Tracing()
    with tracing.span("call", SpanKind.SERVER, parent=W3C) as span:
        span.set_attribute("a", 1)
        assert not span.is_recording()
        assert traceparent_of(span) is None
        assert traceparent_of(tracing.begin("part", SpanKind.CLIENT, parent=span)) is None
    tracing.close()


def test_what_is_sent_names_the_process_and_brings_the_headers_that_were_set(collector: Collector) -> None:
    tracing = started(
        collector.url, "tafawoq-worker", otel_exporter_otlp_headers=f"authorization={SECRET},x-team=exams"
    )
    with tracing.span("call", SpanKind.SERVER):
        pass
    tracing.close()
    [(path, headers)] = collector.requests
    assert path == "/v1/traces"
    assert (headers["authorization"], headers["x-team"]) == (SECRET, "exams")
    assert collector.the("call").service == "tafawoq-worker"


def test_a_whole_address_for_traces_is_taken_as_it_is(collector: Collector) -> None:
    address = f"{collector.url}/otlp/traces"
    tracing = started("http://127.0.0.1:1", otel_exporter_otlp_traces_endpoint=address)
    tracing.begin("call", SpanKind.SERVER).end()
    tracing.close()
    assert [path for path, _ in collector.requests] == ["/otlp/traces"]


def test_a_share_of_the_traces_is_kept_and_all_that_a_caller_keeps(collector: Collector) -> None:
    tracing = started(collector.url, otel_traces_sampler_arg=0)
    tracing.begin("ours", SpanKind.SERVER).end()
    tracing.begin("theirs", SpanKind.SERVER, parent=W3C).end()
    tracing.close()
    assert [span.name for span in collector.spans] == ["theirs"]


def test_a_span_that_an_error_leaves_is_marked_with_its_class_and_not_its_text(collector: Collector) -> None:
    tracing = started(collector.url)
    with pytest.raises(LookupError), tracing.span("call", SpanKind.SERVER):
        raise LookupError(SECRET)
    tracing.close()
    span = collector.the("call")
    assert (span.failed, span.attributes, span.events) == (True, {"error.type": "LookupError"}, ())
    assert SECRET.encode() not in b"".join(collector.bodies)


@cache
def on() -> Tracing:
    return Tracing(TracerProvider(shutdown_on_exit=False).get_tracer("test"))


@given(st.one_of(st.text(), st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{30,34}-[0-9a-f]{14,18}-[0-9a-f]{2}.?")))
def test_whatever_a_caller_sends_as_its_trace_a_valid_one_goes_on(header: str) -> None:
    with on().span("call", SpanKind.SERVER, parent=header) as span:
        passed_on = traceparent_of(span)
    assert passed_on is not None
    assert len(passed_on) == len(W3C)


def test_an_address_without_what_sends_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "runtime.span_export", None)
    with pytest.raises(SettingsError, match=r"Install it with `pip install tafawoq-worker\[tracing\]`"):
        started("http://127.0.0.1:4318")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://collector"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"{variable}.* is not usable"):
        load(TracingSettings)


def test_a_collector_that_is_away_harms_nobody_and_is_told_once(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.is_well = False
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    with capture_logs() as logs:
        tracing = started(collector.url)
        tracing.begin("call", SpanKind.SERVER).end()
        collector.until(lambda: collector.requests)
        tracing.begin("call", SpanKind.SERVER).end()
        tracing.close()
    assert [line["event"] for line in logs] == ["traces_not_sent"]
    assert len(collector.requests) == 1


@pytest.mark.parametrize("listens", [True, False])
def test_a_collector_that_never_answers_keeps_nobody_from_ending(
    listens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_export, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, capture_logs() as logs:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        if not listens:
            silent.close()
        tracing = started(address)
        for _ in range(1500):  # three batches
            tracing.begin("call", SpanKind.SERVER).end()
        began = time.monotonic()
        tracing.close()
        took_s = time.monotonic() - began
    assert took_s < 8
    assert [line["event"] for line in logs] == ["traces_not_sent"]


class Sometimes(SpanExporter):
    def __init__(self) -> None:
        self.is_well = True
        self.asked = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked += 1
        return SpanExportResult.SUCCESS if self.is_well else SpanExportResult.FAILURE


def test_a_collector_is_looked_for_now_and_then_and_its_return_is_told_once() -> None:
    now = [0.0]
    exporter = Sometimes()
    outlet = OutageTolerantExporter(exporter, clock=lambda: now[0])
    with capture_logs() as logs:
        for is_well, at in (
            (True, 0),
            (False, 1),
            (False, 2),
            (True, LOOK_AGAIN_S),
            (True, LOOK_AGAIN_S + 1),
        ):
            exporter.is_well, now[0] = is_well, float(at)
            outlet.export(())
        assert exporter.asked == 3  # it was left alone at 2 and at LOOK_AGAIN_S
        outlet.export(())
    assert [line["event"] for line in logs] == ["traces_not_sent", "traces_sent_again"]
