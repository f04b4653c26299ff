"""The simulator as a process that others steer, and what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx2
import pytest

from tests.support.simulated import ask, data_of, request, stream_lines
from tools.simulator.running import RunningSimulator


def test_another_process_can_set_faults_change_settings_and_read_the_bill(
    simulator: RunningSimulator, http: httpx2.Client
) -> None:
    assert http.post("/_simulator/faults", json=[{"kind": "overloaded", "times": 1}]).status_code == 200
    assert (
        http.post("/_simulator/faults", json={"add": [{"kind": "rate_limit", "times": 1}]}).status_code == 200
    )
    assert [fault["kind"] for fault in http.get("/_simulator/faults").json()["faults"]] == [
        "overloaded",
        "rate_limit",
    ]
    assert [ask(http).status_code for _ in range(3)] == [529, 429, 200]
    assert http.post("/_simulator/config", json={"missing_rate": 1}).json()["missing_rate"] == 1
    assert http.get("/_simulator/config").json()["missing_rate"] == 1
    bill = http.get("/_simulator/bill").json()
    assert Decimal(bill["total_microdollars"]) == simulator.bill().total_microdollars > 0
    assert len(bill["entries"]) == 1
    assert http.get("/_simulator/bill?entries=0").json()["entries"] == []
    seen = http.get("/_simulator/requests?bodies=1").json()["requests"]
    assert [one["status"] for one in seen] == [529, 429, 200]
    assert seen[0]["body"]["model"] == seen[0]["model"] == "claude-sonnet-5-5"
    assert not any("k" in one["headers"].values() for one in seen)
    assert http.get("/_simulator/health").json()["peak_streams"] == 1
    assert http.post("/_simulator/reset").status_code == 200
    assert simulator.bill().requests == 0
    assert simulator.requests == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_simulator/faults", b'[{"kind": "bang"}]'),
        ("/_simulator/config", b'{"nothing": 1}'),
        ("/_simulator/config", b"{"),
        ("/v1/messages", b"{"),
        ("/v1/messages", b"[]"),
        ("/v1/messages", b"{}"),
    ],
)
def test_what_makes_no_sense_is_a_bad_request(http: httpx2.Client, path: str, body: bytes) -> None:
    answer = http.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_unknown_path_is_not_found_and_a_wrong_key_unauthorized(http: httpx2.Client) -> None:
    assert http.get("/nowhere").status_code == 404
    assert http.get("/v1/models", headers={"x-api-key": "invalid"}).status_code == 401
    assert http.post("/v1/messages", json=request(), headers={"x-api-key": "invalid"}).status_code == 401


def test_a_spent_account_is_refused(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.config.update({"spend_limit_usd": "0.000001"})
    assert ask(http).status_code == 200
    refused = ask(http)
    assert refused.json()["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert "retry-after" not in refused.headers


def test_a_taken_port_stops_the_start(simulator: RunningSimulator) -> None:
    port = int(simulator.url.rsplit(":", 1)[1])
    with pytest.raises(RuntimeError, match="listen"):
        RunningSimulator(port=port).start()


def test_a_hundred_streams_run_at_once(simulator: RunningSimulator, http: httpx2.Client) -> None:
    simulator.config.update({"speed": 30, "ttft_s": 180})  # none has begun to write before the last has come
    limits = httpx2.Limits(max_connections=100)
    with (
        httpx2.Client(base_url=simulator.url, headers=http.headers, limits=limits, timeout=30) as many,
        ThreadPoolExecutor(100) as pool,
    ):
        streams = list(pool.map(lambda _: stream_lines(many), range(100)))
    assert all(data_of(lines)[-1]["type"] == "message_stop" for lines in streams)
    assert simulator.peak_streams == 100
    assert simulator.open_streams == 0


def test_the_command_serves_until_it_is_stopped() -> None:
    command = [
        sys.executable,
        "-m",
        "tools.simulator",
        "--port",
        "0",
        "--speed",
        "50",
        "--faults",
        "overloaded:1",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[-1]
        answer = httpx2.post(
            f"{url}/v1/messages",
            json=request(),
            headers={"x-api-key": "k", "anthropic-version": "2026-10-21"},
        )
        assert answer.status_code == 529
        assert httpx2.get(f"{url}/_simulator/config").json()["speed"] == 50
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stdout.close()


def test_the_command_explains_a_wrong_argument() -> None:
    command = [sys.executable, "-m", "tools.simulator", "--reject-rate", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "reject_rate" in done.stderr
