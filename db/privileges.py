"""What the account of `DATABASE_URL` may do with the tables, and whether row level security hides their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Table, text

from db.tables import metadata

GRANTS_REMEDY = (
    "As the owner, give it what docs/web-app.md, section 1, gives an account: grants and BYPASSRLS."
)

#: The web app's policies are for its users; a policy that shows our account every row hides nothing.
_QUERY = text("""
    SELECT c.oid::regclass::text AS name,
           has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
               AND has_table_privilege(c.oid, 'UPDATE')
               AND (n.nspname = 'public' OR has_table_privilege(c.oid, 'DELETE')) AS usable,
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
    refused: tuple[str, ...]  #: tables that it may not read or may not write; from ours it must delete, too
    hidden: tuple[str, ...]  #: tables with rows that row level security hides from it

    @property
    def lacks(self) -> str | None:
        """What keeps the account from our tables, as a part of a sentence; None: nothing does."""
        if self.refused:
            return f"it may not read and write {', '.join(self.refused)}"
        return f"row level security hides the rows of {', '.join(self.hidden)}" if self.hidden else None


def read_privileges(connection: Connection, tables: Iterable[Table] | None = None) -> Privileges:
    """The account's privileges for these tables, or for all.

    Missing tables are ignored here; the check of the migrations reports them.
    """
    wanted = metadata.tables.values() if tables is None else tables
    names = [f"{table.schema or 'public'}.{table.name}" for table in wanted]
    rows = connection.execute(_QUERY, {"names": names}).all()
    return Privileges(
        account=connection.execute(text("SELECT current_user")).scalar_one(),
        refused=tuple(row.name for row in rows if not row.usable),
        hidden=tuple(row.name for row in rows if row.hidden),
    )
