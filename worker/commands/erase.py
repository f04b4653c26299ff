"""`erase`: everything of one user goes, and the report says what went and what is the web app's to delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import typer
from redis.exceptions import RedisError

from db.erasure import Erased, Erasure
from runtime.redis import make_redis
from runtime.settings import RedisSettings, load
from worker.commands.output import NO, AsJson, print_json
from worker.commands.stores import stores

#: Of a practice session: 100 questions, one in each batch.
_MOST_BATCHES = 100

_TIMEOUT_S = 5.0
_KEYS_A_CALL = 1000


def erase(
    user: Annotated[UUID, typer.Option(help="The user's id, as in the web app's rows.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Erase a user: their sessions, questions, events and keys. Costs stay, under no session. Cannot be undone."""
    with stores() as at:
        erased = Erasure(at.engine).erase(user)
        redis_keys = _forget_in_redis(load(RedisSettings), user, erased.sessions)
    if as_json:
        print_json(_report(erased, redis_keys))
    else:
        _print(erased, redis_keys)
    if redis_keys is None:
        raise typer.Exit(NO)


def _forget_in_redis(settings: RedisSettings, user: UUID, sessions: Sequence[UUID]) -> int | None:
    """How many keys were deleted; None when Redis did not answer."""
    prefix = settings.redis_key_prefix
    # The API's limits (api.rate_limits), the locks of batches (worker.lock), waiting calls (api.waiting_calls).
    keys = [f"{prefix}rate:{kind}:{user}" for kind in ("calls", "sessions")]
    keys += [
        f"{prefix}{kind}:{session_id}:{index}"
        for session_id in sessions
        for kind in ("batch", "waiting")
        for index in range(_MOST_BATCHES)
    ]
    redis = make_redis(settings, timeout_s=_TIMEOUT_S)
    deleted = 0
    try:
        for start in range(0, len(keys), _KEYS_A_CALL):
            deleted += int(redis.delete(*keys[start : start + _KEYS_A_CALL]))
    except RedisError:
        return None
    finally:
        redis.close()
    return deleted


def _report(erased: Erased, redis_keys: int | None) -> dict[str, Any]:
    return {
        "sessions": len(erased.sessions),
        "deleted": erased.deleted,
        "attemptsMadeAnonymous": erased.attempts,
        "webAppRowsBlanked": erased.blanked,
        "webAppRowsLeft": erased.left,
        "redisKeysDeleted": redis_keys,
    }


def _print(erased: Erased, redis_keys: int | None) -> None:
    typer.echo(f"{len(erased.sessions)} sessions were found.")
    for table, count in erased.deleted.items():
        typer.echo(f"  {count} rows of generation.{table} are deleted.")
    typer.echo(f"  {erased.attempts} rows of generation.attempts name no session any more; their costs stay.")
    for table, count in erased.blanked.items():
        typer.echo(f"  {count} rows of public.{table} have lost their questions.")
    if redis_keys is None:
        typer.echo(
            "Redis did not answer: its keys of the user expire within an hour. Run this again.", err=True
        )
    else:
        typer.echo(f"  {redis_keys} keys in Redis are deleted.")
    left = {table: count for table, count in erased.left.items() if count}
    for table, count in left.items():
        typer.echo(f"{count} rows of public.{table} still name the user: they are the web app's to delete.")
