"""What the developers' stack reads from the environment: addresses, speed, and what it need not start itself."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from runtime.api_settings import ApiSettings
from runtime.setting_values import OptionalSecret, OptionalText
from runtime.settings import (
    ClaudeSettings,
    DatabaseSettings,
    Environment,
    GenerationSettings,
    LeaseSettings,
    OpenRouterSettings,
    PlanSettings,
    RedisSettings,
    SettingsSlice,
    WorkerSettings,
    load,
)
from runtime.tracing import TracingSettings

_EVERY_PROCESS = (
    ApiSettings,
    ClaudeSettings,
    GenerationSettings,
    LeaseSettings,
    OpenRouterSettings,
    PlanSettings,
    TracingSettings,
    WorkerSettings,
)


class StackSettings(SettingsSlice):
    #: Unlike a production process, the developers' stack may use the simulator without being asked.
    tafawoq_env: Environment = Environment.DEVELOPMENT
    data_dir: Path = Path(".data")
    #: The simulator's factor: at 8 it writes eight times as fast as the real model.
    speed: float = Field(1, gt=0, le=1000)
    simulator_seed: int = 1
    #: Unlike the web app's pages, our own show every figure.
    figure_patterns: str = "all"
    api_port: int = Field(8000, ge=1, le=65535)
    simulator_port: int = Field(8100, ge=1, le=65535)
    flower_port: int = Field(5555, ge=1, le=65535)
    database_url: OptionalText = None
    redis_url: OptionalText = None
    anthropic_api_key: OptionalSecret = None
    claude_base_url: OptionalText = None

    @property
    def needs_simulator(self) -> bool:
        """Without a key and without another address to ask; in production a missing key stays an error."""
        return not (self.anthropic_api_key or self.claude_base_url or self.is_production)


def check_everything() -> None:
    """Read what every process of the stack will read, so that a mistake stops the start.

    Raises SettingsError.
    """
    stack = load(StackSettings)
    if stack.database_url is not None:
        load(DatabaseSettings)
    if stack.redis_url is not None:
        load(RedisSettings)
    for slice_type in _EVERY_PROCESS:
        load(slice_type)
