"""What the account of `DATABASE_URL` may do with the tables, and whether row level security hides their rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from db.tables import metadata

#: The web app's policies are for its users; a policy that shows our account every row hides nothing.
_QUERY = text("""
    SELECT c.oid::regclass::text AS name,
           has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
               AND has_table_privilege(c.oid, 'UPDATE') AS usable,
           row_security_active(c.oid) AND NOT EXISTS (
               SELECT FROM pg_policies p
               WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND p.cmd = 'ALL'
                 AND p.permissive = 'PERMISSIVE' AND p.qual = 'true' AND p.roles && ARRAY[current_user, 'public']
           ) AS hidden
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = ANY(:names)
    ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Privileges:
    account: str
    refused: tuple[str, ...]  #: tables that it may not read or may not write
    hidden: tuple[str, ...]  #: tables with rows that row level security hides from it


def read_privileges(connection: Connection) -> Privileges:
    """The account's privileges. Missing tables are ignored here; the check of the migrations reports them."""
    names = [f"{table.schema or 'public'}.{table.name}" for table in metadata.tables.values()]
    rows = connection.execute(_QUERY, {"names": names}).all()
    return Privileges(
        account=connection.execute(text("SELECT current_user")).scalar_one(),
        refused=tuple(row.name for row in rows if not row.usable),
        hidden=tuple(row.name for row in rows if row.hidden),
    )
