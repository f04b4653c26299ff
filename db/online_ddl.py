"""Migration steps for tables in use: writers do not wait while an index is built."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op


def add_index(
    name: str,
    table: str,
    columns: list[str],
    *,
    schema: str,
    where: str | None = None,
    using: str = "btree",
) -> None:
    """CREATE INDEX CONCURRENTLY, which cannot run in a transaction, so the steps before it are committed first.

    May be repeated: an interrupted attempt leaves an invalid index, which is dropped first.
    """
    with op.get_context().autocommit_block():
        if _is_valid(f"{schema}.{name}") is False:
            _drop(name, table, schema)
        op.create_index(
            name,
            table,
            columns,
            schema=schema,
            postgresql_where=None if where is None else sa.text(where),
            postgresql_using=using,
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def drop_index(name: str, table: str, *, schema: str) -> None:
    """DROP INDEX CONCURRENTLY, in the same way."""
    with op.get_context().autocommit_block():
        _drop(name, table, schema)


def _drop(name: str, table: str, schema: str) -> None:
    op.drop_index(name, table, schema=schema, postgresql_concurrently=True, if_exists=True)


def _is_valid(index: str) -> bool | None:
    """None when there is no such index."""
    query = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    valid: bool | None = op.get_bind().execute(query, {"name": index}).scalar_one_or_none()
    return valid
