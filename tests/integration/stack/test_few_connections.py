"""The whole system with an account that may open few connections: slower, and whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.integration.stack.student import Student
from tests.support.databases import Databases
from tests.support.stack import running_stack

#: One for each of three processes and the two heartbeats of the workers, and one to listen.
FEWEST = 6
PASSWORD = "of-a-role-with-few-connections"


@contextmanager
def limited(databases: Databases, connections: int) -> Iterator[str]:
    """An empty database whose owner may open so many connections."""
    with databases.empty() as url, psycopg.connect(url, autocommit=True) as admin:
        place, name = urlsplit(url), urlsplit(url).path.lstrip("/")
        admin.execute(
            sql.SQL("CREATE ROLE few LOGIN CONNECTION LIMIT {} PASSWORD {}").format(connections, PASSWORD)
        )
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO few").format(sql.Identifier(name)))
        try:
            yield f"postgresql://few:{PASSWORD}@{place.hostname}:{place.port}/{name}"
        finally:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'few'"
            )
            admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(sql.Identifier(name)))
            admin.execute("DROP OWNED BY few CASCADE")
            admin.execute("DROP ROLE few")


@pytest.mark.timeout(240)
def test_with_few_connections_an_exam_is_written_whole(databases: Databases, tmp_path: Path) -> None:
    with limited(databases, FEWEST) as url, running_stack(tmp_path, speed=60, database_url=url) as stack:
        student = Student(stack.api_url)
        student.begin({"track": "scientific"})
        taken = [len(student.take(batch_index)) for batch_index in range(10)]

    assert sum(taken) == 96
