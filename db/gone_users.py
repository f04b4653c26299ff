"""A user who was deleted while their token is still valid: the web app's foreign keys refuse their rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db.errors import UserGone
from db.tables import WEB_APP_TABLES

#: Names of constraints are the web app's own affair. Its quota function may write rows of the user, too.
_IS_ABOUT_THE_USER = text("""
    SELECT EXISTS (
        SELECT FROM pg_constraint c
        JOIN pg_class t ON t.oid = c.conrelid
        JOIN pg_namespace n ON n.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND c.conkey = ARRAY[a.attnum]
        WHERE (n.nspname, t.relname, c.conname) = (:schema, :table, :constraint)
          AND (c.confrelid = to_regclass('auth.users') OR (t.relname = ANY(:ours) AND a.attname = 'user_id'))
    )
""")


@contextmanager
def user_gone_for_missing_reference(engine: Engine) -> Iterator[None]:
    """Raises UserGone when the block's transaction fails because a row names a user who is not there."""
    try:
        yield
    except IntegrityError as err:
        if isinstance(err.orig, ForeignKeyViolation) and _is_about_the_user(engine, err.orig):
            raise UserGone from err
        raise


def _is_about_the_user(engine: Engine, violation: ForeignKeyViolation) -> bool:
    names = {
        "schema": violation.diag.schema_name,
        "table": violation.diag.table_name,
        "constraint": violation.diag.constraint_name,
        "ours": [table.name for table in WEB_APP_TABLES.values()],
    }
    with engine.connect() as connection:
        return connection.execute(_IS_ABOUT_THE_USER, names).scalar_one() is True
