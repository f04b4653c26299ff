"""How fast the simulator writes, changed while it runs: the first batch at the model's own pace, the rest faster."""

from __future__ import annotations

import httpx2

#: The simulator's speed at which it takes as long as the model would.
MODELS_OWN = 1.0

_ANSWERS_WITHIN_S = 10


class NoPace(Exception):
    """The simulator's speed could not be changed; the message says why."""


def set_speed(simulator_url: str, speed: float) -> None:
    """From now on, also for what is being written. Raises NoPace."""
    try:
        httpx2.post(
            f"{simulator_url}/_simulator/config", json={"speed": speed}, timeout=_ANSWERS_WITHIN_S
        ).raise_for_status()
    except httpx2.HTTPError as err:
        raise NoPace(f"The simulator did not take its speed: {err}.") from err
