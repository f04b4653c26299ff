"""Which faults strike when: drawn from a seed before anything runs, so that a run can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    KILL_WORKER = "kill_worker"  # SIGKILL
    FREEZE_WORKER = "freeze_worker"  # SIGSTOP, and SIGCONT after `lasts_s`
    DRAIN_WORKER = "drain_worker"  # SIGTERM
    KILL_API = "kill_api"
    DRAIN_API = "drain_api"
    RESTART_REDIS = "restart_redis"
    FLUSH_REDIS = "flush_redis"
    DROP_CONNECTIONS = "drop_connections"  # CLIENT KILL TYPE normal
    KILL_PUBSUB = "kill_pubsub"  # CLIENT KILL TYPE pubsub
    REFUSE_CONNECTIONS = "refuse_connections"  # maxclients is reached, and the old connections are gone
    POISON_MESSAGES = "poison_messages"  # in both queues and on the control channel
    RESTART_POSTGRES = "restart_postgres"  # immediate: as if the power had gone
    READ_ONLY_POSTGRES = (
        "read_only_postgres"  # default_transaction_read_only, as a host does before a disk is full
    )


#: What counts as a kill of a process of ours.
KILLS = frozenset({Kind.KILL_WORKER, Kind.FREEZE_WORKER, Kind.DRAIN_WORKER, Kind.KILL_API, Kind.DRAIN_API})

#: How kills are shared out.
_KILL_SHARES = {
    Kind.KILL_WORKER: 40,
    Kind.FREEZE_WORKER: 40,
    Kind.DRAIN_WORKER: 12,
    Kind.KILL_API: 5,
    Kind.DRAIN_API: 3,
}

#: A frozen worker sleeps for less than its lease, or for longer: both must be harmless.
_FREEZE_S = (0.5, 14.0)
_AWAY_S = (0.0, 3.0)
_READ_ONLY_S = (1.0, 8.0)
_LASTS_S = {
    Kind.FREEZE_WORKER: _FREEZE_S,
    Kind.RESTART_REDIS: _AWAY_S,
    Kind.REFUSE_CONNECTIONS: _AWAY_S,
    Kind.RESTART_POSTGRES: _AWAY_S,
    Kind.READ_ONLY_POSTGRES: _READ_ONLY_S,
}


@dataclass(frozen=True, slots=True)
class Fault:
    at_s: float  #: from the start
    kind: Kind
    victim: float  #: 0-1: which of the workers that are there
    lasts_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    kills: int
    redis_restarts: int
    redis_flushes: int
    connection_drops: int
    postgres_restarts: int
    pubsub_kills: int = 0
    refusals: int = 0  #: of connections to Redis
    poisonings: int = 0
    read_only_spells: int = 0


def draw(amount: Amount, *, duration_s: float, seed: int, only: Kind | None = None) -> list[Fault]:
    """Exactly the amount wanted, spread evenly at random over the duration, in order."""
    rng = random.Random(seed)
    shares = _KILL_SHARES if only is None else {only: 1}
    kinds = rng.choices(list(shares), weights=list(shares.values()), k=amount.kills)
    kinds += [Kind.RESTART_REDIS] * amount.redis_restarts
    kinds += [Kind.FLUSH_REDIS] * amount.redis_flushes
    kinds += [Kind.DROP_CONNECTIONS] * amount.connection_drops
    kinds += [Kind.RESTART_POSTGRES] * amount.postgres_restarts
    kinds += [Kind.KILL_PUBSUB] * amount.pubsub_kills
    kinds += [Kind.REFUSE_CONNECTIONS] * amount.refusals
    kinds += [Kind.POISON_MESSAGES] * amount.poisonings
    kinds += [Kind.READ_ONLY_POSTGRES] * amount.read_only_spells
    faults = [_fault(kind, rng, duration_s) for kind in kinds]
    return sorted(faults, key=lambda fault: fault.at_s)


def _fault(kind: Kind, rng: random.Random, duration_s: float) -> Fault:
    lasts_s = rng.uniform(*_LASTS_S[kind]) if kind in _LASTS_S else 0.0
    return Fault(rng.uniform(0, duration_s), kind, rng.random(), lasts_s)
