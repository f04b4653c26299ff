"""All settings, read once from the environment, checked, and divided into slices by use.

A process loads only the slices that it needs: the API never sees the Claude key. A wrong value stops the start
with one sentence that names the variable. Units are part of the names. A `.env` file in the working directory is
read, too; the environment wins.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.addresses import AddressError, unwrapped
from runtime.database_address import DatabaseAddress
from runtime.redis_address import RedisAddress, require_no_other_broker
from runtime.setting_values import (
    HttpUrl,
    LightSlots,
    LogFormat,
    LogLevel,
    OptionalBearer,
    OptionalFile,
    OptionalHttpUrl,
    OptionalText,
    PatternNames,
    TextOrOff,
    like,
)

#: Of every number: Postgres' integers end here, and no wait or count needs more.
MOST = 2_147_483_647


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable and says what to do."""


class Environment(StrEnum):
    PRODUCTION = "production"
    DEVELOPMENT = "development"


#: As the kubelet writes it: an IPv4 address, or an IPv6 one in brackets.
_SERVICE_LINK = re.compile(r"^\w+_port=(tcp|udp|sctp)://[\d.:a-f\[\]]+:\d+", re.IGNORECASE)


class SettingsSlice(BaseSettings):
    """The settings for one use; field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    tafawoq_env: Environment = Environment.PRODUCTION

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, values: dict[str, object]) -> dict[str, object]:
        """Without what is around values, without blank ones, and without what nobody set.

        A Kubernetes Service named `api` sets API_PORT=tcp://10.96.0.12:80 in every pod.
        """
        meant = {
            name: unwrapped(value) if isinstance(value, str) else value for name, value in values.items()
        }
        return {
            name: value
            for name, value in meant.items()
            if value != "" and not _SERVICE_LINK.fullmatch(f"{name}={value}")
        }

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, int | float | Decimal) and value > MOST:
                raise ValueError(
                    f"{name.upper()}={value} is not usable: no number may be greater than {MOST}"
                )
        return self

    @property
    def is_production(self) -> bool:
        return self.tafawoq_env is Environment.PRODUCTION


class DatabaseSettings(SettingsSlice):
    #: As it was read: in one meaning for every library.
    database_url: str
    #: The authorities that Postgres' certificate is verified with; unset: the public ones.
    database_ca_file: OptionalFile = None
    #: Connections kept open: opening one costs more than a hundred queries, and bursts of calls would open and close
    #: overflow connections again and again.
    database_pool_size: int = Field(12, ge=1, le=100)
    database_pool_overflow: int = Field(0, ge=0, le=100)
    database_connect_timeout_s: int = Field(5, ge=1, le=60)
    database_statement_timeout_ms: int = Field(15_000, ge=100)
    database_lock_timeout_ms: int = Field(5_000, ge=100)
    #: False behind a transaction-pooling proxy: no prepared statements, no options at connect, no LISTEN.
    database_session_mode: bool = True

    @field_validator("database_url")
    @classmethod
    def _read(cls, value: str) -> str:
        return DatabaseAddress.of(value).url("postgresql")

    @model_validator(mode="after")
    def _can_be_verified(self) -> Self:
        """The certificates are looked for when the address is used, which must not be the first time."""
        try:
            self.database_address  # noqa: B018
        except AddressError as err:
            raise ValueError(f"TLS to Postgres cannot be verified: it {err}. Correct or unset it") from err
        return self

    @property
    def database_address(self) -> DatabaseAddress:
        """With TLS as it will be used."""
        return DatabaseAddress.of(self.database_url).verified(self.database_ca_file)

    @property
    def sqlalchemy_url(self) -> str:
        """The address with the driver's name, as SQLAlchemy needs it."""
        return self.database_address.url("postgresql+psycopg")

    @property
    def libpq_url(self) -> str:
        return self.database_address.url("postgresql")


class RedisSettings(SettingsSlice):
    redis_url: str
    #: The authorities that Redis' certificate is verified with; unset: the public ones.
    redis_ca_file: OptionalFile = None
    redis_key_prefix: Annotated[
        str, like(r"[a-z][a-z0-9-]*:", "must be small letters, digits and dashes, and a colon at the end")
    ] = "tafawoq:"
    redis_socket_timeout_s: float = Field(
        5, gt=2
    )  # BRPOP blocks for 1 s; a shorter timeout would interrupt it
    redis_connect_timeout_s: float = Field(5, gt=0)

    @field_validator("redis_url")
    @classmethod
    def _read(cls, value: str) -> str:
        RedisAddress.of(value)
        return unwrapped(value)

    @model_validator(mode="after")
    def _one_broker(self) -> Self:
        require_no_other_broker()
        return self

    @property
    def redis_address(self) -> RedisAddress:
        return RedisAddress.of(self.redis_url, ca_file=self.redis_ca_file)


class ClaudeSettings(SettingsSlice):
    anthropic_api_key: OptionalBearer = None
    claude_model: str = Field("claude-sonnet-5-5", min_length=1)
    #: The model of the answer check: it answers prefetched questions without their keys. off: no answer check.
    solver_model: TextOrOff = "claude-haiku-5-5"
    #: A cheaper model of Claude that writes the slots of LIGHT_SLOTS. off: CLAUDE_MODEL writes all.
    light_model: TextOrOff = None
    #: Difficulties, question types, or both as `easy:analogy`.
    light_slots: LightSlots = ("easy",)
    claude_base_url: OptionalHttpUrl = None  # unset: see `address`
    simulator_url: HttpUrl = "http://127.0.0.1:8100"
    claude_effort: Literal["low", "medium", "high"] = "low"
    claude_connect_timeout_s: float = Field(5, gt=0)
    claude_read_timeout_s: float = Field(60, gt=0)
    claude_max_connections: int = Field(600, ge=1)
    #: auto: the cheaper one, by how long the prefix has been idle.
    claude_cache_ttl: Literal["auto", "5m", "1h"] = "auto"

    @property
    def address(self) -> str:
        """The address of the Messages API: as set, else Claude with a key, or the local simulator without one."""
        if self.claude_base_url:
            return self.claude_base_url
        return self.simulator_url if self.asks_simulator else "https://api.anthropic.com"

    @property
    def asks_simulator(self) -> bool:
        """Whether calls go to the simulator: neither a key nor an address is set."""
        return self.anthropic_api_key is None and not self.claude_base_url

    @model_validator(mode="after")
    def _a_key_in_production(self) -> Self:
        if self.anthropic_api_key is None and self.is_production:
            raise ValueError(
                "ANTHROPIC_API_KEY is not set. Set it, or set TAFAWOQ_ENV=development to use the simulator"
            )
        return self


class OpenRouterSettings(SettingsSlice):
    openrouter_api_key: OptionalBearer = None
    openrouter_base_url: HttpUrl = "https://openrouter.ai/api"
    openrouter_model: str = Field("anthropic/claude-sonnet-5.5", min_length=1)

    @model_validator(mode="after")
    def _no_version_in_the_address(self) -> Self:
        if self.openrouter_base_url.rstrip("/").endswith("/v1"):
            raise ValueError(
                "OPENROUTER_BASE_URL must not end in /v1, because the SDK adds it. "
                "Use https://openrouter.ai/api"
            )
        return self


class BillingReportSettings(SettingsSlice):
    """Keys that can read the providers' bills and call no model. Only `tafawoq-worker reconcile` loads them."""

    anthropic_admin_key: OptionalBearer = None
    #: The id of the workers' own key, needed when other work is billed to the same organization.
    anthropic_key_id: OptionalText = None
    openrouter_management_key: OptionalBearer = None


class TrafficSettings(SettingsSlice):
    """How calls share a provider's rate limits, which we learn from its answers."""

    #: The longest wait for the rate limiter; after it the batch goes to the fallback or waits in Postgres.
    traffic_interactive_wait_s: float = Field(10, ge=0, le=120)
    traffic_prefetch_wait_s: float = Field(2, ge=0, le=120)
    #: The share of every limit that prefetches leave to batches that a student waits for.
    traffic_interactive_reserve: float = Field(0.2, ge=0, le=0.9)
    #: Calls a second after a quiet minute; the rate grows with every call.
    traffic_ramp_per_s: float = Field(60, ge=1, le=10_000)
    #: A provider may ask for a pause of hours; it is tried again after at most this long.
    traffic_longest_pause_s: float = Field(60, gt=0)


class PlanSettings(SettingsSlice):
    exam_batch_size: int = Field(10, ge=1, le=20)
    practice_batch_size: int = Field(5, ge=1, le=20)
    prefetch_threshold: float = Field(0.7, gt=0, le=1)
    #: Prefetch before the threshold for a student who would otherwise wait; false: never before the threshold.
    prefetch_adaptive: bool = True
    #: Progress that leaves the student less than this for each question starts no prefetch; 0: any progress does.
    prefetch_reading_s: float = Field(5, ge=0, le=600)
    #: The figures that the page can draw: web-app (by its own renderers), all (a page that shows our SVG), or names.
    figure_patterns: PatternNames = ("web-app",)
    #: Of the quantitative questions: how many have a diagram or a chart.
    figure_share: float = Field(0.15, ge=0, le=0.5)


class GenerationSettings(SettingsSlice):
    generation_max_rounds_per_run: int = Field(20, ge=1, le=50)
    #: How often a batch may cost its expected price, over all its runs; then it rests.
    generation_budget_factor: Decimal = Field(Decimal(3), ge=1, le=100, allow_inf_nan=False)
    #: How long a batch rests of which nothing came; doubled with each rest, up to the cap. No request shortens it.
    generation_rest_first_s: float = Field(900, gt=0)
    generation_rest_cap_s: float = Field(14_400, gt=0)
    #: Whether each question gets a tip and a solving strategy for after the answer: about 35 % more output.
    generation_hints: bool = False
    #: Parallel calls for a batch that a student waits for; 1 is cheapest, the batch size is fastest.
    generation_lanes: int = Field(10, ge=1, le=20)
    #: Threads of one worker process for parallel calls, beyond one call for each of its slots.
    generation_lane_threads: int = Field(256, ge=1, le=2000)
    generation_max_failed_runs: int = Field(5, ge=1)
    generation_run_deadline_s: float = Field(240, gt=0)
    generation_stall_timeout_s: float = Field(30, gt=0)
    generation_retry_base_s: float = Field(1, gt=0)
    generation_retry_cap_s: float = Field(60, gt=0)
    #: The longest pause of our own, so that no student waits long after a provider has come back.
    generation_backoff_cap_s: float = Field(20, gt=0)


class LeaseSettings(SettingsSlice):
    """Leases and the sweep. A dead worker's batch is enqueued again within lease_ttl_s + 1.25 * sweep_period_s.

    That is half of the 15 seconds that a rescue may take; the other half is for writing the first question.
    """

    lease_ttl_s: float = Field(6, ge=1)
    lease_heartbeat_s: float = Field(1.5, gt=0)
    sweep_period_s: float = Field(1, gt=0)
    #: A queued batch that no worker claimed is enqueued again after this long: its message may be lost.
    sweep_enqueue_again_s: float = Field(10, gt=0)
    #: How long a run keeps a finished question while Postgres is down.
    store_retry_s: float = Field(30, ge=0)

    @model_validator(mode="after")
    def _several_heartbeats_in_a_lease(self) -> Self:
        if self.lease_heartbeat_s * 3 > self.lease_ttl_s:
            raise ValueError(
                f"LEASE_HEARTBEAT_S={self.lease_heartbeat_s:g} leaves no time for a missed heartbeat in "
                f"LEASE_TTL_S={self.lease_ttl_s:g}. Use at most a third of it"
            )
        return self


class WorkerSettings(SettingsSlice):
    worker_concurrency: int = Field(128, ge=1, le=1000)
    #: How long a worker waits after SIGTERM for questions in progress; shorter than the platform's grace time.
    worker_shutdown_grace_s: float = Field(10, ge=0)
    worker_visibility_timeout_s: int = Field(900, ge=60)
    worker_metrics_port: int = Field(0, ge=0, le=65535)  # 0: no metrics server
    worker_metrics_host: str = "127.0.0.1"
    #: A file touched every few seconds while the main loop works; for health checks that need no broker.
    worker_alive_file: OptionalText = None
    log_format: LogFormat = "json"
    log_level: LogLevel = "INFO"


class Service(StrEnum):
    """What a container runs; `doctor` checks only what that needs."""

    API = "api"
    FLOWER = "flower"
    WORKER = "worker"


class ServiceSettings(SettingsSlice):
    #: The service of the container in which `doctor` runs; unset: `doctor` checks everything.
    tafawoq_service: Service = Service.WORKER


S = TypeVar("S", bound=SettingsSlice)


def load(slice_type: type[S]) -> S:
    """This slice of the environment, complete and checked.

    Raises SettingsError with one sentence for each problem, which names the variable and holds no secret.
    """
    try:
        return slice_type()
    except (UnicodeDecodeError, OSError) as err:
        raise SettingsError(
            f"The file .env cannot be read ({type(err).__name__}). Save it as UTF-8 text that this account may read."
        ) from err
    except ValidationError as err:
        raise SettingsError(
            "\n".join(_sentence(slice_type, dict(problem)) for problem in err.errors())
        ) from err


def _sentence(slice_type: type[SettingsSlice], problem: dict[str, object]) -> str:
    location = problem["loc"]
    if not isinstance(location, tuple) or not location:
        return f"{str(problem['msg']).removeprefix('Value error, ')}."
    name = str(location[0])
    variable = name.upper()
    if problem["type"] == "missing":
        return f"{variable} is not set. Set it in the environment or in .env (see .env.example)."
    value = _shown(slice_type, name)
    reason = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    return f"{variable}{value} is not usable: it {reason}. Correct it in the environment or in .env."


def _shown(slice_type: type[SettingsSlice], name: str) -> str:
    """`=value` for a number; empty when the value may hold a secret."""
    annotation = slice_type.model_fields[name].annotation
    value = os.environ.get(name.upper())
    return f"={value}" if value is not None and annotation in {int, float, bool} else ""
