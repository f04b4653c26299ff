"""Tables of the web app that we only read, and that an installation may not have: what is missing is not asked for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

#: A longer row of a session, or a longer value in it, is not read: the student may write it.
MOST_JSON_BYTES = 8 * 2**20

_HAS_COLUMNS = text("""
    SELECT count(*) = cardinality(CAST(:names AS text[]))
    FROM pg_attribute
    WHERE attrelid = to_regclass(:table) AND attname = ANY(CAST(:names AS text[])) AND NOT attisdropped
        AND has_column_privilege(attrelid, attnum, 'SELECT')
""")


def read_web_app(connection: Connection, table: str, wanted: str, key: str, value: Any) -> Any | None:
    """The column `wanted` of the row of public.`table` whose `key` has this value.

    None when the row, the table or a column is missing or closed to our account.
    """
    which = {"table": f"public.{table}", "names": [wanted, key]}
    if not connection.execute(_HAS_COLUMNS, which).scalar_one():
        return None
    query = text(f'SELECT "{wanted}" FROM public."{table}" WHERE "{key}" = :value LIMIT 1')  # noqa: S608 - names of ours
    return connection.execute(query, {"value": value}).scalar_one_or_none()
