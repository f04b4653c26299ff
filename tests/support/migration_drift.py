"""`python -m tests.support.migration_drift`: whether the migrations make exactly the tables that the code declares."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.databases import Databases
from tools.stack.embedded import EmbeddedPostgres
from tools.stack.processes import PROJECT


def main() -> int:
    """The exit status of `alembic check` on a database that was just migrated."""
    with (
        EmbeddedPostgres(durable=False) as server,
        Databases(server.url) as databases,
        databases.migrated() as url,
    ):
        environment = {**os.environ, "DATABASE_URL": url}
        return subprocess.run(
            [sys.executable, "-m", "alembic", "check"], cwd=PROJECT, env=environment, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
