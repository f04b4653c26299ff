"""Runs the migrations: one at a time in a database, without blocking the web app for long.

A caller in the same process may pass a DatabaseSettings as `config.attributes["database"]`; otherwise the
environment names the database. Errors of the address, the server or a lock are one sentence.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.config import fileConfig
from typing import Any

from alembic.util import CommandError
from psycopg.errors import InsufficientPrivilege, LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from alembic import context
from db.engine import make_engine
from db.errors import DatabaseStruggling, DatabaseUnreachable
from db.tables import SCHEMA, metadata
from runtime.settings import DatabaseSettings, SettingsError, load

#: A statement that waits for the web app's table blocks all later ones, so it waits for a few seconds only.
LOCK_TIMEOUT_MS = 3_000
#: Building an index on a large table takes minutes.
STATEMENT_TIMEOUT_MS = 15 * 60 * 1000

ADVISORY_LOCK = 7_263_510_442  # one number for all migrations of this project
ADVISORY_LOCK_WAIT_S = 120
ADVISORY_LOCK_POLL_S = 0.2


def run() -> None:
    """Run the migrations. Raises CommandError with one sentence for an error that an operator can correct."""
    if context.is_offline_mode():
        raise CommandError("These migrations read the database first. Run them without --sql.")
    if context.config.cmd_opts is not None and context.config.config_file_name is not None:
        fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    try:
        with _engine() as engine, _explained(engine), _alone(engine), engine.connect() as connection:
            _migrate(connection)
    except DatabaseStruggling as err:
        if isinstance(err.__cause__, LockNotAvailable):
            raise CommandError(
                "A table is in use and could not be locked in time. Run the migration again."
            ) from err
        raise CommandError(str(err)) from err
    except (SettingsError, DatabaseUnreachable) as err:
        raise CommandError(str(err)) from err


@contextmanager
def _engine() -> Iterator[Engine]:
    engine = make_engine(_settings(), "tafawoq-migrations")
    try:
        yield engine
    finally:
        engine.dispose()


def _settings() -> DatabaseSettings:
    settings: DatabaseSettings = context.config.attributes.get("database") or load(DatabaseSettings)
    return settings.model_copy(
        update={
            "database_lock_timeout_ms": LOCK_TIMEOUT_MS,
            "database_statement_timeout_ms": STATEMENT_TIMEOUT_MS,
        }
    )


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Hold the advisory lock in a separate transaction, which works through any pooler.

    It polls for the lock: a waiting statement would hold a snapshot, and CREATE INDEX CONCURRENTLY in the other
    migration would wait for that snapshot forever.
    """
    deadline = time.monotonic() + ADVISORY_LOCK_WAIT_S
    while True:
        with engine.begin() as connection:
            lock = text("SELECT pg_try_advisory_xact_lock(:key)")
            if connection.execute(lock, {"key": ADVISORY_LOCK}).scalar_one():
                # After the SELECT, not before: an idle transaction keeps its last SELECT's snapshot.
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                yield
                return
        if time.monotonic() > deadline:
            raise CommandError("Another migration is running. Run this one again when it is done.")
        time.sleep(ADVISORY_LOCK_POLL_S)


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Raises CommandError, which names the account, the right and the owner, when a right is missing."""
    try:
        yield
    except ProgrammingError as err:
        if not isinstance(err.orig, InsufficientPrivilege):
            raise
        with engine.connect() as connection:
            account, owner = connection.execute(_ACCOUNT_AND_OWNER, {"schema": SCHEMA}).one()
        raise CommandError(
            f"There is something to migrate, and the account {account} may not do it: "
            f"{err.orig.diag.message_primary}. Run the migration as the owner of the tables, {owner} "
            "(docs/web-app.md, section 1)."
        ) from err


#: Whoever owns our schema; before the first migration, whoever owns the database.
_ACCOUNT_AND_OWNER = text("""
    SELECT current_user, pg_get_userbyid(coalesce(
        (SELECT nspowner FROM pg_namespace WHERE nspname = :schema),
        (SELECT datdba FROM pg_database WHERE datname = current_database())
    ))
""")


def _migrate(connection: Connection) -> None:
    _override_defaults(connection)
    if not _has_schema(connection):
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=_is_ours_by_name,
        include_object=_is_ours,
        compare_type=True,
        transaction_per_migration=True,
    )
    if _is_upgraded():
        context.config.print_stdout("Nothing to do: the database is at the newest migration.")
        return
    with context.begin_transaction():
        context.run_migrations()


def _override_defaults(connection: Connection) -> None:
    """For this session, what the owner of the database made the default for everybody.

    Who runs a migration wants it to write. And Alembic takes the first schema of the search path for `public`.
    """
    connection.execute(text("SET default_transaction_read_only = off"))
    connection.execute(text("SET search_path TO public"))
    connection.dialect.default_schema_name = "public"
    connection.commit()


def _has_schema(connection: Connection) -> bool:
    """Asked first: CREATE SCHEMA IF NOT EXISTS needs the right to create one even where there is nothing to do."""
    found: bool = connection.scalar(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": SCHEMA})
    connection.commit()
    return found


def _is_upgraded() -> bool:
    """Whether the command is `alembic upgrade head`, and the database is there already."""
    options = context.config.cmd_opts
    if options is None or options.cmd[0].__name__ != "upgrade" or options.revision not in {"head", "heads"}:
        return False
    migrations = context.get_context()
    return set(migrations.get_current_heads()) == set(context.script.get_heads())


def _is_ours_by_name(name: str | None, kind: str, parents: Any) -> bool:
    """Compare only our schema and the two tables of the web app that we add columns to."""
    if kind == "schema":
        return name in {SCHEMA, None}  # None is the default schema, public
    if kind == "table":
        return parents["schema_qualified_table_name"].removeprefix("public.") in _OUR_TABLES
    return True


def _is_ours(item: Any, _name: str | None, kind: str, reflected: bool, compared_to: Any) -> bool:
    """In the web app's tables, only a missing column or index that we need is a difference."""
    table = item if kind == "table" else item.table
    if table.schema == SCHEMA or kind == "table":
        return True
    return not reflected and compared_to is None and kind in {"column", "index"}


_OUR_TABLES = {table.key.removeprefix("public.") for table in metadata.tables.values()}

run()
