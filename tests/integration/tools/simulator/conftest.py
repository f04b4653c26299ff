"""A simulator of its own for each test, and two ways to talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import httpx2
import pytest

from tools.simulator.running import RunningSimulator


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(speed=200) as simulator:
        yield simulator


@pytest.fixture
def http(simulator: RunningSimulator) -> Iterator[httpx2.Client]:
    headers = {"x-api-key": "k", "anthropic-version": "2026-10-21"}
    with httpx2.Client(base_url=simulator.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def claude(simulator: RunningSimulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key="k", base_url=simulator.url, max_retries=0) as client:
        yield client
