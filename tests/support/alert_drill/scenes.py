"""Which scene drills which alerts, and on what kind of stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.support.alert_drill import money, outages, pressure, providers
from tests.support.alert_drill.record import Record
from tests.support.alert_drill.ward import Ward


@dataclass(frozen=True)
class Scene:
    alerts: tuple[str, ...]
    play: Callable[[Ward, Record], None]
    speed: float = 20
    environment: Mapping[str, str] = field(default_factory=dict)


SCENES = (
    Scene(("NoWorker", "StudentsWait"), outages.no_worker),
    Scene(("RedisAway",), outages.no_redis),
    Scene(("PostgresAway", "ApiFails"), outages.no_postgres),
    Scene(("ApiDown",), outages.no_api),
    Scene(("ProvidersDown",), providers.no_fallback),
    Scene(("CircuitBreakerOpen", "ProviderErrors"), providers.outage),
    Scene(("KeyRefused",), providers.key_refused),
    Scene(("RequestRefused",), providers.model_retired),
    Scene(("RejectsMany", "BatchesGivenUp"), providers.wrong_prompt),
    Scene(("BudgetsExhausted",), providers.vain_replies),
    Scene(("SlotsDeviate",), providers.filtered_topic),
    Scene(("PrefixDrifted", "CacheCold", "DearQuestions"), providers.drifting_prompt),
    Scene(("SpendLimitReached", "DayLimitNear"), money.spent_up, environment=money.LITTLE),
    Scene(("ClaudeCapNear",), money.cap_near),
    Scene(("QueueFull", "FirstQuestionSlow"), pressure.too_few_slots),
    Scene(("StudentsStall",), pressure.no_prefetch),
    Scene(("LeasesLost",), pressure.starved_worker),
    Scene(("SweepStopped",), pressure.locked_table),
    Scene(("SigningKeysOld",), outages.no_signing_keys),
    Scene(("MessagesRefused",), pressure.foreign_producer),
)
