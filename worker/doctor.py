"""The checks of `tafawoq-worker doctor`: each dependency of a worker, and the remedy for each problem.

A finding never carries a secret. Every check has its own time limit, and runs even when another check fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from celery import Celery
from kombu.exceptions import OperationalError as BrokerAway
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, UndefinedColumn, UndefinedTable
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, column, func, select, table, text
from sqlalchemy.exc import SQLAlchemyError

from db.engine import IGNORED_OPTIONS
from db.errors import DatabaseUnreachable
from db.privileges import GRANTS_REMEDY, Privileges, read_privileges
from db.queue_stats import QueueStats, read_queue_stats
from db.refusals import POOLER_REMEDY, READ_ONLY_REMEDY
from db.tables import SCHEMA
from generation.model import Urgency
from providers.model_check import ModelCheck
from runtime.redis_refusals import redis_refusal

#: Seconds between two clocks; beyond this, tokens and log lines are misjudged.
SKEW_S = 2.0
#: Seconds; a student should not wait longer until a worker begins.
WAIT_S = 20.0
#: Due batches for each worker slot.
FULL = 2
#: The share of Redis' memory in use from which the doctor warns.
MEMORY = 0.9
#: Seconds that workers may take to answer.
INSPECT_S = 1.5

_READ_ONLY = text("SELECT current_setting('transaction_read_only')")
_TIME_LIMIT = text("SELECT current_setting('statement_timeout')")
_VERSION = table("alembic_version", schema=SCHEMA)


class Health(StrEnum):
    WELL = "well"
    POOR = "poor"  #: it works, and the operator should look at it
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    about: str
    health: Health
    says: str
    remedy: str = ""  #: what to do; empty when nothing is wrong


def well(about: str, says: str) -> Finding:
    return Finding(about, Health.WELL, says)


def examine_postgres(engine: Engine, *, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Whether Postgres answers, its clock agrees, its migrations fit this version, and our account may use it."""
    try:
        with engine.connect() as connection:
            before = clock()
            server_time = connection.execute(
                select(func.extract("epoch", func.clock_timestamp()))
            ).scalar_one()
            skew_s = float(server_time) - (before + clock()) / 2
            migrated = connection.execute(
                text("SELECT to_regclass(:table) IS NOT NULL"), {"table": f"{SCHEMA}.alembic_version"}
            ).scalar_one()
            version = (
                connection.execute(select(column("version_num")).select_from(_VERSION)).scalar()
                if migrated
                else None
            )
            privileges = read_privileges(connection)
            is_read_only = connection.execute(_READ_ONLY).scalar_one() == "on"
            drops_options = connection.execute(_TIME_LIMIT).scalar_one() == "0"
    except DatabaseUnreachable as err:
        yield Finding("Postgres", Health.BROKEN, err.says.removeprefix("Postgres at "), err.remedy)
        return
    except SQLAlchemyError as err:
        yield _refused_statement("Postgres", err)
        return
    if is_read_only:
        says = "it answers, and takes no writes: it is read-only"
        yield Finding("Postgres", Health.BROKEN, says, READ_ONLY_REMEDY)
    else:
        yield well("Postgres", "it answers")
    if drops_options:
        yield Finding("pooler", Health.POOR, IGNORED_OPTIONS, POOLER_REMEDY)
    yield judge_skew("Postgres", skew_s)
    yield judge_version(version, head_revision())
    yield judge_privileges(privileges)


def _refused_statement(about: str, error: SQLAlchemyError) -> Finding:
    """Postgres answers and refuses: its words, without the statement's parameters."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, InsufficientPrivilege):
        return Finding(
            about, Health.BROKEN, f"its account may not use our tables ({_words(cause)})", GRANTS_REMEDY
        )
    if isinstance(cause, UndefinedTable | UndefinedColumn | InvalidSchemaName):
        return Finding(about, Health.BROKEN, _words(cause), "Run: alembic upgrade head")
    says = f"it cannot be used ({_words(cause or error)})"
    return Finding(about, Health.BROKEN, says, "See the log of Postgres for this time.")


def _words(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def judge_skew(server: str, skew_s: float) -> Finding:
    about = f"clock against {server}"
    if abs(skew_s) <= SKEW_S:
        return well(about, f"{skew_s:+.1f} s")
    return Finding(
        about,
        Health.BROKEN,
        f"{skew_s:+.1f} s apart",
        "Set the clock of this machine or of the server by NTP: tokens, limits and logs depend on the time.",
    )


def head_revision(start: Path | None = None) -> str | None:
    """The newest migration that is shipped with this version, or None when none is."""
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
    # Newer tables serve older code, too; older tables lack what this code needs.
    if found > wanted:
        return Finding(
            about, Health.POOR, f"at {found}, newer than this version's {wanted}", "Finish the roll-out."
        )
    return Finding(about, Health.BROKEN, f"at {found}, and {wanted} is needed", "Run: alembic upgrade head")


def judge_privileges(privileges: Privileges) -> Finding:
    about = f"account {privileges.account}"
    if privileges.lacks is None:
        return well(about, "it may read and write our tables")
    return Finding(about, Health.BROKEN, privileges.lacks, GRANTS_REMEDY)


def examine_redis(redis: Redis, *, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Whether Redis answers, its clock agrees, it keeps every message, and it has free memory."""
    try:
        redis.ping()
    except RedisError as err:
        password: str | None = redis.connection_pool.connection_kwargs.get("password")
        refusal = redis_refusal(err, password)
        yield Finding("Redis", Health.BROKEN, f"it cannot be used ({refusal.says})", refusal.remedy)
        return
    yield well("Redis", "it answers")
    before = clock()
    server_time = _time_of(redis)
    if server_time is not None:
        yield judge_skew("Redis", server_time - (before + clock()) / 2)
    yield judge_memory(_info(redis))


# Our account may lack a permission, and Redis may have gone meanwhile: then these checks are left out.


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
class ActiveWorkers:
    """The workers that answer now."""

    names: tuple[str, ...]
    queues: frozenset[str]
    slots: int


def find_workers(app: Celery, *, timeout_s: float = INSPECT_S) -> ActiveWorkers:
    """The workers that answer within `timeout_s`, their queues and their slots. Empty without a broker."""
    try:
        # One connection of its own, without retries: a doctor that hangs is no help.
        with app.connection_for_read(connect_timeout=timeout_s) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=timeout_s)
            inspect = app.control.inspect(timeout=timeout_s, connection=connection)
            queues = inspect.active_queues() or {}
            stats = inspect.stats() or {}
    except (BrokerAway, RedisError, OSError):
        return ActiveWorkers((), frozenset(), 0)
    return ActiveWorkers(
        names=tuple(sorted(queues)),
        queues=frozenset(queue["name"] for listened in queues.values() for queue in listened),
        slots=sum(int(found.get("pool", {}).get("max-concurrency") or 0) for found in stats.values()),
    )


def examine_workers(workers: ActiveWorkers) -> Finding:
    about = "workers"
    if not workers.names:
        return Finding(
            about,
            Health.BROKEN,
            "no worker answers",
            "Start one: docker compose up -d worker-interactive worker-prefetch. Its log says why it does not start.",
        )
    unserved = [urgency.value for urgency in Urgency if urgency.value not in workers.queues]
    if unserved:
        return Finding(
            about,
            Health.BROKEN,
            f"no worker serves {', '.join(unserved)}",
            "Start a worker with -Q naming that queue.",
        )
    return well(about, f"{len(workers.names)} answer, {workers.slots} slots")


def examine_queue(engine: Engine, workers: ActiveWorkers) -> Finding:
    try:
        return judge_queue(read_queue_stats(engine), workers.slots)
    except (DatabaseUnreachable, SQLAlchemyError) as err:
        says = err.says if isinstance(err, DatabaseUnreachable) else _refused_statement("queue", err).says
        return Finding(
            "queue",
            Health.BROKEN,
            f"it cannot be read ({says})",
            "Correct what is wrong with Postgres and the migrations.",
        )


def judge_queue(stats: QueueStats, slots: int) -> Finding:
    due = sum(queue.due for queue in stats.queues.values())
    waits_s = stats.queues[Urgency.INTERACTIVE].oldest_due_s
    says = f"{due} batches are due, the oldest that a student waits for since {waits_s:.0f} s"
    if waits_s > WAIT_S or (due > FULL * slots and due > 0):
        return Finding(
            "queue",
            Health.BROKEN,
            says,
            "Start more workers, or raise WORKER_CONCURRENCY; if they are idle, restart them.",
        )
    if stats.deferred_for_providers:
        return Finding(
            "queue",
            Health.POOR,
            f"{stats.deferred_for_providers} batches wait for a provider",
            "See the findings on the model above; the workers try these batches again by themselves.",
        )
    return well("queue", says)


def judge_model(model: str, check: ModelCheck) -> Iterator[Finding]:
    """What the provider says of the key and the model."""
    fine = _simulated("Claude") if check.is_simulator else "the key and the model are accepted"
    yield from _judged(f"model {model}", fine, check)


def no_model(simulator_url: str) -> Finding:
    """There is no key, and no simulator answers: nothing can be written."""
    return Finding(
        "model",
        Health.BROKEN,
        f"ANTHROPIC_API_KEY is not set, and no simulator answers at {simulator_url}",
        "Set the key, or start the simulator (make up, docker compose up) and let SIMULATOR_URL name it.",
    )


def judge_key(provider: str, check: ModelCheck) -> Iterator[Finding]:
    """What a provider says of its key alone."""
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
        yield Finding(
            about, Health.POOR, problem, remedy or "Check that the provider can be reached from here."
        )


def worst(findings: Sequence[Finding]) -> Health:
    order = list(Health)
    return max((finding.health for finding in findings), key=order.index, default=Health.WELL)
