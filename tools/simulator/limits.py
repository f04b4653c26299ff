"""Rate limits: continuous token buckets for requests, input and output tokens, with the API's headers."""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, datetime, timedelta

from tools.simulator.bill import Bill
from tools.simulator.config import SimulatorConfig
from tools.simulator.errors import ApiError

MINUTE_S = 60.0


class Bucket:
    """Holds at most a minute's worth and refills continuously. May go below zero: output is known late."""

    def __init__(self, per_minute: int, now: float) -> None:
        self.per_minute = per_minute
        self._level = float(per_minute)
        self._at = now

    def level(self, now: float) -> float:
        refilled = self._level + (now - self._at) * self.per_minute / MINUTE_S
        self._level, self._at = min(float(self.per_minute), refilled), now
        return self._level

    def take(self, amount: int, now: float) -> None:
        self._level = self.level(now) - amount

    def wait_s(self, amount: int, now: float) -> float:
        """Until `amount` is there; one larger than the bucket waits for a full one."""
        missing = min(amount, self.per_minute) - self.level(now)
        return max(0.0, missing * MINUTE_S / self.per_minute)


class RateLimits:
    """The three buckets of each model group, made again when the configuration changes."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._recent: deque[float] = deque()

    def admit(self, group: str, input_tokens: int, now: float) -> None:
        """Take a request and its input tokens, or raise the 429 that says how long to wait."""
        self._check_acceleration(now)
        wanted = {"requests": 1, "input-tokens": input_tokens, "output-tokens": 1}
        buckets = self._group(group, now)
        for name, bucket in buckets.items():
            wait = bucket.wait_s(wanted[name], now)
            if wait > 0:
                raise ApiError(
                    429,
                    f"This request would exceed your organization's rate limit of {bucket.per_minute} "
                    f"{name.replace('-', ' ')} per minute.",
                    retry_after=float(math.ceil(self._config.real_s(wait))),
                    limits=self.headers(group, now),
                )
        for name, bucket in buckets.items():
            if name != "output-tokens":
                bucket.take(wanted[name], now)

    def produced(self, group: str, output_tokens: int, now: float) -> None:
        bucket = self._group(group, now).get("output-tokens")
        if bucket is not None:
            bucket.take(output_tokens, now)

    def headers(self, group: str, now: float) -> dict[str, str]:
        """Limit, remaining and reset of each bucket, and of the tightest token bucket as `tokens`."""
        buckets = self._group(group, now)
        found: dict[str, str] = {}
        for name, bucket in buckets.items():
            found |= self._describe(name, bucket, now)
        tokens = [bucket for name, bucket in buckets.items() if name != "requests"]
        if tokens:
            tightest = min(tokens, key=lambda bucket: bucket.level(now) / bucket.per_minute)
            found |= self._describe("tokens", tightest, now)
        return found

    def _group(self, group: str, now: float) -> dict[str, Bucket]:
        config = self._config
        limits = {"requests": config.rpm, "input-tokens": config.itpm, "output-tokens": config.otpm}
        return {name: self._bucket(group, name, limit, now) for name, limit in limits.items() if limit > 0}

    def _bucket(self, group: str, name: str, limit: int, now: float) -> Bucket:
        bucket = self._buckets.get((group, name))
        if bucket is None or bucket.per_minute != limit:
            bucket = self._buckets[group, name] = Bucket(limit, now)
        return bucket

    def _describe(self, name: str, bucket: Bucket, now: float) -> dict[str, str]:
        """Token counts are rounded to thousands, as the API rounds them."""
        level = max(0, int(bucket.level(now)))
        remaining = level if name == "requests" else round(level, -3)
        full_in = timedelta(seconds=self._config.real_s(bucket.wait_s(bucket.per_minute, now)))
        reset = (datetime.now(UTC) + full_in).isoformat(timespec="seconds").replace("+00:00", "Z")
        values = {"limit": str(bucket.per_minute), "remaining": str(remaining), "reset": reset}
        return {f"anthropic-ratelimit-{name}-{key}": value for key, value in values.items()}

    def _check_acceleration(self, now: float) -> None:
        limit = self._config.acceleration_per_s
        if limit <= 0:
            return
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        if len(self._recent) >= limit:
            raise ApiError(
                429,
                "Your usage grew too fast. Ramp up more slowly.",
                error_code="ramp_limit_exceeded",
                retry_after=1.0,
            )
        self._recent.append(now)


def check_spend(config: SimulatorConfig, bill: Bill) -> None:
    """Raise the refusal of an account that has spent what it may: no retry-after, it stays."""
    limit = config.spend_limit_usd
    if limit is None or bill.total_microdollars < limit * 1_000_000:
        return
    if config.spend_limit_kind == "own":
        raise ApiError(400, "You have reached your specified API usage limits.")
    raise ApiError(
        429,
        "Your organization has reached its spend limit.",
        error_code=f"{config.spend_limit_kind}_spend_limit_reached",
    )
