"""Mistakes in settings, and what the product says about each: at the start, by doctor, and in the log.

`python -m tests.support.settings_mistakes` runs all of them and writes docs/settings-mistakes.md.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest import mock
from uuid import uuid4

import structlog

import api.__main__ as api_process
from api.rate_limits import Kind, Rate, SharedLimits
from db.engine import make_engine
from db.errors import DatabaseUnreachable
from providers.claude import make_claude
from runtime.settings import ClaudeSettings, RedisSettings, SettingsError, load
from tests.support.mistaken_servers import (
    SECRET,
    Breaks,
    Site,
    appended,
    behind_pgbouncer,
    cluster,
    full,
    read_only,
    redis_after,
    role,
    site,
    tls,
    to_database,
    wrong_password,
)
from tools.stack.processes import PROJECT
from worker.commands import doctor
from worker.doctor import ActiveWorkers, Finding, Health

PAGE = PROJECT / "docs" / "settings-mistakes.md"


@dataclass(frozen=True)
class Mistake:
    what: str
    breaks: Breaks
    needs: str | None = None  #: a program


@dataclass(frozen=True)
class Said:
    start: str
    doctor: str
    log: str


def setting(what: str, *, service: str = "worker", **variables: str) -> Mistake:
    """Variables with values that are wrong by themselves. {place}: where Postgres or Redis is."""
    return Mistake(what, lambda _: nullcontext({"TAFAWOQ_SERVICE": service, **variables}))


def database(what: str, address: str) -> Mistake:
    return setting(what, DATABASE_URL=address)


def broker(what: str, address: str) -> Mistake:
    return setting(what, REDIS_URL=address)


@contextmanager
def _only(environment: Mapping[str, str]) -> Iterator[None]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", "LANG"}}
    where = Path.cwd()
    with tempfile.TemporaryDirectory() as empty, mock.patch.dict(os.environ, clear=True):
        os.environ.update({**kept, **environment})
        os.chdir(empty)  # where no .env is
        try:
            yield
        finally:
            os.chdir(where)


def observed(well: Site, mistake: Mistake) -> Said:
    """What the product says. Raises what it raises: nothing but our own sentences is expected."""
    with (
        mistake.breaks(well) as broken,
        _only({**well.environment, **broken}),
        structlog.testing.capture_logs() as events,
    ):
        start = _said_at_the_start()
        found = _broken_findings()
    with _only(well.environment):
        usual = _broken_findings()
    findings = [f"{f.about}: {f.says} -> {f.remedy}" for f in found if f not in usual]
    lines = [
        ", ".join(f"{name}={value}" for name, value in event.items() if name not in {"log_level", "remedy"})
        for event in events
        if event["log_level"] in {"warning", "error"} and event["event"] != "database_pool_reduced"
    ]
    return Said(
        *(_without_places(well, "; ".join(dict.fromkeys(said))) for said in ([start], findings, lines))
    )


def _said_at_the_start() -> str:
    try:
        settings = api_process._settings()
        make_claude(load(ClaudeSettings), stall_timeout_s=1, deadline_s=1).close()
        with closing(cast("Any", _Disposed(make_engine(settings.database, "mistakes")))) as opened:
            api_process._check_database(opened.engine)
        asyncio.run(_counted_call(settings.redis))
    except (SettingsError, api_process.CannotStart, DatabaseUnreachable) as err:
        return str(err)
    return "(it starts)"


async def _counted_call(settings: RedisSettings) -> None:
    limits = SharedLimits(settings, {Kind.CALLS: Rate(9, 60)})
    await limits.take(uuid4(), Kind.CALLS)
    await limits.close()


@dataclass
class _Disposed:
    engine: Any

    def close(self) -> None:
        self.engine.dispose()


def _broken_findings() -> list[Finding]:
    nobody = ActiveWorkers((), frozenset(), 0)
    with mock.patch.object(doctor, "find_workers", return_value=nobody):
        return [
            finding
            for finding in doctor.examine()
            if finding.health is Health.BROKEN and finding.about not in {"workers", "queue"}
        ]


def _without_places(well: Site, text: str) -> str:
    text = text.replace(well.postgres_place, "127.0.0.1:5432").replace(well.redis_place, "127.0.0.1:6379")
    text = re.sub(r"127\.0\.0\.1:\d+ \(DATABASE_URL\)", "127.0.0.1:5432 (DATABASE_URL)", text)
    text = re.sub(r"_ssl\.c:\d+", "_ssl.c", text)
    return re.sub(r"127\.0\.0\.1:\d{4,5}(?! \(DATABASE_URL\))", "127.0.0.1:6379", text)


_SOMEWHERE = "db.tafawoq.invalid"

MISTAKES: tuple[Mistake, ...] = (
    # the address of Postgres
    database("a raw % in the password", f"postgresql://u:{SECRET}%@h/d"),
    database("a raw / in the password", f"postgresql://u:{SECRET}/x@h/d"),
    database("a line break at the end of the encoded password", f"postgresql://u:{SECRET}%0A@h/d"),
    database("the placeholder of the dashboard", "postgresql://u:[YOUR-PASSWORD]@h/d"),
    database("several hosts", f"postgresql://u:{SECRET}@h1:1,h2:2/d"),
    database("a port that is no number", f"postgresql://u:{SECRET}@h:port/d"),
    database("IPv6 without brackets", f"postgresql://u:{SECRET}@::1/d"),
    database("the driver of another library", f"postgresql+asyncpg://u:{SECRET}@h/d"),
    database("?options=", f"postgresql://u:{SECRET}@h/d?options=-csearch_path%3Dx"),
    database("Prisma's ?pgbouncer=true", f"postgresql://u:{SECRET}@h/d?pgbouncer=true"),
    database("Prisma's ?connection_limit=1", f"postgresql://u:{SECRET}@h/d?connection_limit=1"),
    database("an sslmode of another library", f"postgresql://u:{SECRET}@h/d?sslmode=no-verify"),
    database("a certificate file that is not there", f"postgresql://u:{SECRET}@h/d?sslrootcert=/no/ca.pem"),
    setting("DATABASE_CA_FILE is not there", DATABASE_CA_FILE="/no/ca.pem"),
    # the address of Redis
    broker("a path that is no number", f"redis://:{SECRET}@h/foo"),
    broker("?protocol=3", f"redis://:{SECRET}@h/0?protocol=3"),
    broker("?socket_timeout=5", f"redis://:{SECRET}@h/0?socket_timeout=5"),
    broker("?ssl_cert_reqs= without TLS", f"redis://:{SECRET}@h/0?ssl_cert_reqs=none"),
    broker("a socket file", "unix:///run/redis.sock"),
    broker("Sentinels", f"redis://:{SECRET}@s1:26379,s2:26379/0"),
    setting("Celery's own variable", CELERY_BROKER_URL=f"redis://:{SECRET}@elsewhere"),
    # secrets, and who is let in
    setting("production without auth", service="api", API_SERVICE_TOKEN=""),
    setting("a service token that can be guessed", service="api", API_SERVICE_TOKEN="x"),
    setting("a JWT secret that can be guessed", service="api", SUPABASE_JWT_SECRET="a"),
    setting("a service token of two words", service="api", API_SERVICE_TOKEN=f"{SECRET} {SECRET}"),
    setting("a provider's key of two lines", ANTHROPIC_API_KEY=f"{SECRET}\n{SECRET}"),
    setting("no provider's key in production", ANTHROPIC_API_KEY=""),
    setting("signing keys in a file", service="api", SUPABASE_JWKS_URL="file:///x"),
    # proxies and certificates
    setting("a SOCKS proxy", CLAUDE_BASE_URL=f"https://{_SOMEWHERE}", ALL_PROXY=f"socks5://u:{SECRET}@h:1"),
    setting(
        "a proxy that is none", CLAUDE_BASE_URL=f"https://{_SOMEWHERE}", HTTPS_PROXY=f"ftp://u:{SECRET}@h"
    ),
    setting(
        "SSL_CERT_FILE is not there", CLAUDE_BASE_URL=f"https://{_SOMEWHERE}", SSL_CERT_FILE="/no/ca.pem"
    ),
    # Postgres refuses
    Mistake("nothing listens at the port", to_database(place="127.0.0.1:1")),
    Mistake("a host that is not known", to_database(place=_SOMEWHERE)),
    Mistake("a wrong password", wrong_password),
    Mistake("a role that is not there", to_database(user="nobody_here")),
    Mistake("a database that is not there", to_database(path="/nothing_here")),
    Mistake("a role that may not log in", lambda well: role(well, options="NOLOGIN")),
    Mistake("a role without grants", lambda well: role(well, grants=False)),
    Mistake("the role's connection limit", full),
    Mistake("TLS asked of a server that has none", appended("DATABASE_URL", "?sslmode=require")),
    Mistake("a read-only database", read_only),
    Mistake("session mode behind a transaction pooler", behind_pgbouncer, needs="pgbouncer"),
    # Redis refuses
    Mistake("no Redis at the port", lambda _: nullcontext({"REDIS_URL": "redis://127.0.0.1:1/0"})),
    Mistake("no password for a Redis with one", redis_after(address="redis://{place}/0")),
    Mistake(
        "a wrong password for Redis",
        redis_after(address="redis://:another@{place}/0"),
    ),
    Mistake(
        "an account that may not use the queue",
        redis_after(
            "ACL",
            "SETUSER",
            "weak",
            "on",
            f">{SECRET}",
            "+ping",
            address=f"redis://weak:{SECRET}@{{place}}/0",
        ),
    ),
    Mistake("a database number that is not there", redis_after(address="redis://{login}@{place}/99")),
    Mistake("a Redis whose memory is full", redis_after("CONFIG", "SET", "maxmemory", "1")),
    Mistake("a replica of Redis", redis_after("REPLICAOF", "127.0.0.1", "1")),
    Mistake("a Redis Cluster", cluster),
    Mistake("TLS asked of a Redis without it", redis_after(address="rediss://{login}@{place}/0")),
    Mistake("a Redis with a certificate of its own", lambda _: tls("rediss://{place}/0")),
    Mistake("plain text to a Redis with TLS", lambda _: tls("redis://{place}/0")),
)

_HEAD = """\
# Mistakes in settings, and what is said about each

For an operator whose process does not start.

Made by `python -m tests.support.settings_mistakes`, which makes each mistake with real servers and writes down what is
said: by a process that starts (the API; the settings of a worker are read, too), by `tafawoq-worker doctor`, and in the
log. A test compares this page with what the product says. "(it starts)": the process starts and works as soon as the
mistake is mended.

| mistake | at the start | doctor | log |
|---|---|---|---|
"""


def row(mistake: Mistake, said: Said) -> str:
    cells = (mistake.what, said.start, said.doctor or "-", said.log or "-")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def main() -> None:
    with site() as well:
        rows = [row(mistake, observed(well, mistake)) for mistake in MISTAKES]
    PAGE.write_text(_HEAD + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
