"""The doctor: every dependency of a worker looked at, and for each that is not well, what to do.

A finding never carries a secret. Every look has a time limit of its own, and one that fails does not keep
the others from being made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from alembic.config import Config
from alembic.script import ScriptDirectory
from celery import Celery
from kombu.exceptions import OperationalError as BrokerAway
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from sqlalchemy import Engine, column, func, select, table, text
from sqlalchemy.exc import SQLAlchemyError

from db.errors import DatabaseUnreachable
from db.privileges import Privileges, read_privileges
from db.queue_stats import QueueStats, read_queue_stats
from db.tables import SCHEMA
from generation.model import Urgency

#: A clock further off than this misjudges tokens and log lines, in seconds.
SKEW_S = 2.0
#: A student should not wait longer for somebody to begin, in seconds.
WAIT_S = 20.0
#: Batches that are due, for each place where one could run.
FULL = 2
#: Share of Redis' memory in use from which its owner should hear of it.
MEMORY = 0.9
#: How long workers may take to answer, in seconds.
INSPECT_S = 1.5

_VERSION = table("alembic_version", schema=SCHEMA)


class Health(StrEnum):
    WELL = "well"
    POOR = "poor"  #: it works, and somebody should look
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    about: str
    health: Health
    says: str
    remedy: str = ""  #: what to do; empty when it is well


def well(about: str, says: str) -> Finding:
    return Finding(about, Health.WELL, says)


def examine_postgres(engine: Engine, *, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Reachable, migrated to what this version needs, open to our account, and of one time with us."""
    try:
        with engine.connect() as connection:
            before = clock()
            there = connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one()
            skew_s = float(there) - (before + clock()) / 2
            migrated = connection.execute(
                text("SELECT to_regclass(:table) IS NOT NULL"), {"table": f"{SCHEMA}.alembic_version"}
            ).scalar_one()
            version = (
                connection.execute(select(column("version_num")).select_from(_VERSION)).scalar()
                if migrated
                else None
            )
            privileges = read_privileges(connection)
    except (DatabaseUnreachable, SQLAlchemyError) as err:
        yield Finding(
            "Postgres",
            Health.BROKEN,
            f"it cannot be used ({type(err).__name__})",
            "Start it, or correct DATABASE_URL: host, port, name, user and password.",
        )
        return
    yield well("Postgres", "it answers")
    yield judge_skew("Postgres", skew_s)
    yield judge_version(version, head_revision())
    yield judge_privileges(privileges)


def judge_skew(whose: str, skew_s: float) -> Finding:
    about = f"clock against {whose}"
    if abs(skew_s) <= SKEW_S:
        return well(about, f"{skew_s:+.1f} s")
    return Finding(
        about,
        Health.BROKEN,
        f"{skew_s:+.1f} s apart",
        "Set the clock of this machine or of the server by NTP: tokens, limits and logs are judged by time.",
    )


def head_revision(start: Path | None = None) -> str | None:
    """The newest migration beside us, or None where no migrations are shipped."""
    for folder in (start or Path.cwd(), Path(__file__).resolve().parents[1]):
        ini = folder / "alembic.ini"
        if ini.is_file():
            return ScriptDirectory.from_config(Config(str(ini))).get_current_head()
    return None


def judge_version(found: str | None, wanted: str | None) -> Finding:
    about = "migrations"
    if found is None:
        return Finding(about, Health.BROKEN, "our tables are not there", "Run: alembic upgrade head")
    if wanted is None or found == wanted:
        return well(about, f"at {found}")
    # Newer tables are made to serve older code; older ones lack what this code needs.
    if found > wanted:
        return Finding(
            about, Health.POOR, f"at {found}, newer than this version's {wanted}", "Finish the roll-out."
        )
    return Finding(about, Health.BROKEN, f"at {found}, and {wanted} is needed", "Run: alembic upgrade head")


def judge_privileges(privileges: Privileges) -> Finding:
    about = f"account {privileges.account}"
    if privileges.refused:
        says = f"it may not read and write {', '.join(privileges.refused)}"
    elif privileges.hidden:
        says = f"row level security hides the rows of {', '.join(privileges.hidden)}"
    else:
        return well(about, "it may read and write our tables")
    return Finding(
        about,
        Health.BROKEN,
        says,
        "As the owner, give it what docs/web-app.md, section 1, gives an account: grants and BYPASSRLS.",
    )


def examine_redis(redis: Redis, *, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Reachable, not allowed to forget, with room left, and of one time with us."""
    try:
        redis.ping()
    except AuthenticationError:
        yield Finding("Redis", Health.BROKEN, "it refuses our password", "Correct REDIS_URL.")
        return
    except RedisError as err:
        yield Finding(
            "Redis",
            Health.BROKEN,
            f"it cannot be used ({type(err).__name__})",
            "Start it, or correct REDIS_URL. Nothing is lost: the sweep enqueues what waits.",
        )
        return
    yield well("Redis", "it answers")
    before = clock()
    there = _time_of(redis)
    if there is not None:
        yield judge_skew("Redis", there - (before + clock()) / 2)
    yield judge_memory(_info(redis))


# An account may be refused either, and Redis may have gone since: then there is less to say.


def _time_of(redis: Redis) -> float | None:
    try:
        answer: Any = redis.time()
    except RedisError:
        return None
    return int(answer[0]) + int(answer[1]) / 1e6


def _info(redis: Redis) -> Mapping[str, Any]:
    try:
        answer: Any = redis.info("memory")
    except RedisError:
        return {}
    return dict(answer)


def judge_memory(info: Mapping[str, Any]) -> Finding:
    about = "Redis' memory"
    policy, limit, used = info.get("maxmemory_policy"), info.get("maxmemory", 0), info.get("used_memory", 0)
    if policy not in {None, "noeviction"}:
        return Finding(
            about,
            Health.BROKEN,
            f"it may forget messages (maxmemory-policy {policy})",
            "Set maxmemory-policy noeviction.",
        )
    if limit and used > MEMORY * limit:
        return Finding(about, Health.POOR, f"{used / limit:.0%} is used", "Raise maxmemory.")
    return well(about, f"{used / limit:.0%} is used" if limit else "it has no limit")


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers that answer now."""

    names: tuple[str, ...]
    queues: frozenset[str]
    slots: int


def ask_crew(app: Celery, *, timeout_s: float = INSPECT_S) -> Crew:
    """Who answers within the time, what they listen to, and how much they can run. Empty without a broker."""
    try:
        # One connection of its own, without retries: a doctor that hangs is no help.
        with app.connection_for_read(connect_timeout=timeout_s) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=timeout_s)
            inspect = app.control.inspect(timeout=timeout_s, connection=connection)
            queues = inspect.active_queues() or {}
            stats = inspect.stats() or {}
    except (BrokerAway, RedisError, OSError):
        return Crew((), frozenset(), 0)
    return Crew(
        names=tuple(sorted(queues)),
        queues=frozenset(queue["name"] for listened in queues.values() for queue in listened),
        slots=sum(int(found.get("pool", {}).get("max-concurrency") or 0) for found in stats.values()),
    )


def examine_crew(crew: Crew) -> Finding:
    about = "workers"
    if not crew.names:
        return Finding(
            about,
            Health.BROKEN,
            "no worker answers",
            "Start one: docker compose up -d worker-interactive worker-prefetch. Its log says why it does not start.",
        )
    deaf = [urgency.value for urgency in Urgency if urgency.value not in crew.queues]
    if deaf:
        return Finding(
            about,
            Health.BROKEN,
            f"nobody listens to {', '.join(deaf)}",
            "Start a worker with -Q naming that queue.",
        )
    return well(about, f"{len(crew.names)} answer, {crew.slots} slots")


def examine_queue(engine: Engine, crew: Crew) -> Finding:
    try:
        return judge_queue(read_queue_stats(engine), crew.slots)
    except (DatabaseUnreachable, SQLAlchemyError) as err:
        return Finding(
            "queue",
            Health.BROKEN,
            f"nobody can say ({type(err).__name__})",
            "Put Postgres and the migrations right.",
        )


def judge_queue(levels: QueueStats, slots: int) -> Finding:
    due = sum(queue.due for queue in levels.queues.values())
    waits_s = levels.queues[Urgency.INTERACTIVE].oldest_due_s
    says = f"{due} batches are due, the oldest that a student waits for since {waits_s:.0f} s"
    if waits_s > WAIT_S or (due > FULL * slots and due > 0):
        return Finding(
            "queue",
            Health.BROKEN,
            says,
            "Start more workers, or raise WORKER_CONCURRENCY; if they are idle, restart them.",
        )
    if levels.deferred_for_providers:
        return Finding(
            "queue",
            Health.POOR,
            f"{levels.deferred_for_providers} batches wait for a provider",
            "See what the model says above; they are tried again by themselves.",
        )
    return well("queue", says)


class ModelCheck(Protocol):
    """What providers.model_check.check_model says."""

    @property
    def stop(self) -> str | None: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    @property
    def is_simulator(self) -> bool | None: ...


def judge_model(model: str, check: ModelCheck) -> Iterator[Finding]:
    """What the provider says of the key and the model."""
    fine = _simulated("Claude") if check.is_simulator else "the key and the model are accepted"
    yield from _judged(f"model {model}", fine, check)


def no_model(simulator_url: str) -> Finding:
    """Neither a key nor a simulator that answers: nothing can be written."""
    return Finding(
        "model",
        Health.BROKEN,
        f"ANTHROPIC_API_KEY is not set, and no simulator answers at {simulator_url}",
        "Set the key, or start the simulator (make up, docker compose up) and let SIMULATOR_URL name it.",
    )


def judge_key(provider: str, check: ModelCheck) -> Iterator[Finding]:
    """What a provider says of the key alone."""
    yield from _judged(
        f"{provider}'s key", _simulated(provider) if check.is_simulator else "it is accepted", check
    )


def _simulated(provider: str) -> str:
    return f"the simulator answers, not {provider}; no key was checked"


def _judged(about: str, fine: str, check: ModelCheck) -> Iterator[Finding]:
    if check.stop is not None:
        problem, _, remedy = check.stop.partition(". ")
        yield Finding(about, Health.BROKEN, problem, remedy)
    elif not check.warnings:
        yield well(about, fine)
    for warning in check.warnings:
        problem, _, remedy = warning.partition(". ")
        yield Finding(about, Health.POOR, problem, remedy or "Look whether the API can be reached from here.")


def worst(findings: Sequence[Finding]) -> Health:
    order = list(Health)
    return max((finding.health for finding in findings), key=order.index, default=Health.WELL)
