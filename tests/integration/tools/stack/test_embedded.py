from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.homes import no_home_left
from tools.stack import embedded_home
from tools.stack.child import StartFailed
from tools.stack.embedded import EmbeddedPostgres, EmbeddedRedis
from tools.stack.ports import free_port
from tools.stack.stack import _only_stack_in

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of ours that every account may enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Where a server keeps data; what root's server keeps elsewhere is removed as well."""
    with no_home_left(tmp_path / "data"):
        yield tmp_path / "data"


def query(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    return row and row[0]


def write(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").exists() and _state(pid) != "Z":
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_postgres_keeps_what_was_committed_over_a_restart(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as first:
        write(first.url, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('سؤال')")

    with EmbeddedPostgres(data_dir) as second:
        assert query(second.url, "SELECT word FROM kept") == "سؤال"


def test_a_durable_postgres_waits_for_the_disk(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as durable:
        settings = query(
            durable.url, "SELECT current_setting('fsync') || current_setting('synchronous_commit')"
        )

    assert settings == "onon"


def test_postgres_listens_on_loopback_and_asks_for_the_password(postgres_url: str) -> None:
    host, _, rest = postgres_url.partition("@")
    anonymous = f"{host.rpartition(':')[0]}:wrong@{rest}"

    assert "@127.0.0.1:" in postgres_url
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        query(anonymous, "SELECT 1")


def test_postgres_comes_back_after_it_was_killed(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as first:
        write(first.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
        os.kill(first.child.pid, signal.SIGKILL)

        with EmbeddedPostgres(data_dir) as second:
            assert query(second.url, "SELECT n FROM kept") == 1


def test_a_pid_file_that_names_a_stranger_is_forgotten(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as first:
        pid_file = first.home.path / "data" / "postmaster.pid"
        lines = pid_file.read_text().split("\n")
        owner = pid_file.stat()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    os.chown(pid_file, owner.st_uid, owner.st_gid)

    with EmbeddedPostgres(data_dir) as second:
        assert query(second.url, "SELECT 1") == 1


def test_two_postgres_on_the_same_data_are_refused_with_a_sentence(data_dir: Path) -> None:
    with (
        EmbeddedPostgres(data_dir),
        patch("tools.stack.embedded._PREDECESSOR_ENDS_WITHIN_S", 0.1),
        pytest.raises(StartFailed, match=r"Another Postgres works on .* DATA_DIR"),
    ):
        EmbeddedPostgres(data_dir).start()


def test_a_data_directory_left_half_made_is_begun_again(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as first:
        home = first.home
    (home.path / "data").rename(home.path / "data.growing")
    (home.path / "data.growing" / "PG_VERSION").unlink()

    with EmbeddedPostgres(data_dir) as second:
        assert query(second.url, "SELECT 1") == 1


def test_a_postgres_error_in_the_log_quotes_no_row(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    with EmbeddedPostgres(durable=False, log=log) as server:
        write(
            server.url, "CREATE TABLE secrets (answer text UNIQUE)", "INSERT INTO secrets VALUES ('0xSECRET')"
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            write(server.url, "INSERT INTO secrets VALUES ('0xSECRET')")

    assert "duplicate key" in log.read_text()
    assert "0xSECRET" not in log.read_text()


def test_redis_keeps_its_keys_over_a_restart(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as first, redis.Redis.from_url(first.url) as client:
        client.lpush("interactive", "message")

    with EmbeddedRedis(data_dir) as second, redis.Redis.from_url(second.url) as client:
        assert client.lrange("interactive", 0, -1) == [b"message"]


def test_redis_never_evicts_and_asks_for_the_password(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        with redis.Redis.from_url(server.url) as client:
            policy = client.config_get("maxmemory-policy") | client.config_get("appendfsync")
        port = urlsplit(server.url).port or 0
        with (
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()

    assert policy == {"maxmemory-policy": "noeviction", "appendfsync": "everysec"}


def test_the_password_is_in_no_command_line(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        command = Path(f"/proc/{server.child.pid}/cmdline").read_bytes()
        password = server.url.split("@")[0].rpartition(":")[2]

    assert password.encode() not in command


def test_redis_takes_no_message_longer_than_a_megabyte(redis_client: redis.Redis) -> None:
    """A worker reads a message whole before it can see how long it is."""
    redis_client.lpush("queue", b"x" * 1_000_000)
    with pytest.raises(redis.RedisError):
        redis_client.lpush("queue", b"x" * 1_100_000)
    redis_client.connection_pool.disconnect()  # Redis has closed the connection, and the client may not know
    assert redis_client.llen("queue") == 1


def test_redis_loads_no_module_from_a_file(redis_client: redis.Redis) -> None:
    """Valkey counts its own Lua as one, whose path is its name."""
    assert [module for module in redis_client.module_list() if b"/" in module[b"path"]] == []


@pytest.mark.parametrize("server_type", [EmbeddedPostgres, EmbeddedRedis])
def test_a_wanted_port_that_is_taken_is_told_in_a_sentence(
    server_type: type[EmbeddedPostgres | EmbeddedRedis],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed, match=f"cannot listen on port {port}"):
            server_type(port=port, durable=False).start()


@pytest.mark.parametrize("server_type", [EmbeddedPostgres, EmbeddedRedis])
def test_a_free_port_that_somebody_else_was_faster_on_is_replaced(
    server_type: type[EmbeddedPostgres | EmbeddedRedis], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        lost, spare = taken.getsockname()[1], free_port()
        ports = iter([lost, spare])
        monkeypatch.setattr("tools.stack.embedded_server.free_port", lambda: next(ports))
        with server_type(durable=False) as server:
            assert f":{spare}/" in server.url


def test_temporary_data_are_gone_after_the_server_stopped() -> None:
    with EmbeddedRedis(durable=False) as server:
        home = server.home.path
        assert stat.S_IMODE(home.stat().st_mode) == 0o700

    assert not home.exists()


@pytest.mark.parametrize("server_type", ["EmbeddedPostgres", "EmbeddedRedis"])
def test_a_server_does_not_outlive_a_parent_that_was_killed(server_type: str, data_dir: Path) -> None:
    program = (
        f"import pathlib, time; from tools.stack.embedded import {server_type} as S\n"
        f"server = S(pathlib.Path({str(data_dir)!r})).start(); print(server.child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        parent.kill()

    wait_until_gone(server)


def test_a_full_disk_is_told_in_a_sentence(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_home, "_NEEDED_MB", 2**40)

    with pytest.raises(StartFailed, match=r"MB left, and a server needs .* DATA_DIR"):
        EmbeddedRedis(data_dir).start()


@ROOT_ONLY
def test_root_runs_the_server_as_nobody(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        owner = Path(f"/proc/{server.child.pid}").stat().st_uid
        groups = (
            Path(f"/proc/{server.child.pid}/status").read_text().split("Groups:")[1].split("\n")[0].split()
        )

    assert server.home.account is not None
    assert (owner, groups) == (server.home.account.uid, [])


@ROOT_ONLY
def test_root_opens_no_folder_for_the_server(tmp_path: Path, data_dir: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedRedis(closed / "data") as server:
        assert closed not in server.home.path.parents

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    subprocess.run(["rm", "-rf", server.home.path], check=True)


@ROOT_ONLY
def test_ground_that_somebody_else_prepared_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_home, "_COMMON_GROUND", tmp_path)
    (tmp_path / "tafawoq-0").mkdir()
    (tmp_path / "tafawoq-0").chmod(0o777)

    with pytest.raises(StartFailed, match="was not made by us"):
        embedded_home.own_ground()


@ROOT_ONLY
def test_root_goes_on_as_the_user_who_began(open_folder: Path) -> None:
    users = open_folder / "redis"
    users.mkdir(mode=0o700)
    os.chown(users, 1, 1)
    with EmbeddedRedis(users) as server:
        assert Path(f"/proc/{server.child.pid}").stat().st_uid == 1


@ROOT_ONLY
def test_a_link_in_a_strangers_folder_leads_root_nowhere(open_folder: Path) -> None:
    outside = open_folder / "outside"
    outside.mkdir()
    outside.chmod(0o755)
    strangers = open_folder / "strangers"
    strangers.mkdir()
    (strangers / "redis").symlink_to(outside)
    os.chown(strangers, 1, 1)

    with pytest.raises(StartFailed, match=r"strangers can be changed by user 1, .* DATA_DIR"):
        EmbeddedRedis(strangers / "redis").start()

    assert (outside.stat().st_uid, stat.S_IMODE(outside.stat().st_mode)) == (0, 0o755)
    assert list(outside.iterdir()) == []


@ROOT_ONLY
def test_links_that_the_servers_account_laid_in_its_home_lead_root_nowhere(open_folder: Path) -> None:
    others_data = open_folder / "others"
    others_data.mkdir()
    (others_data / "postmaster.pid").write_text("1\n")
    secret = open_folder / "secret"
    secret.write_text("not for the server's account")
    home = open_folder / "postgres"
    home.mkdir()
    (home / "data").symlink_to(others_data)
    (home / "password").symlink_to(secret)
    os.chown(home, 1, 1)

    with pytest.raises(StartFailed, match=r"password cannot be read"):
        EmbeddedPostgres(home).start()
    (home / "password").unlink()
    (home / "password").write_text("one")
    with pytest.raises(StartFailed):
        EmbeddedPostgres(home).start()

    assert (others_data / "postmaster.pid").read_text() == "1\n"
    assert others_data.stat().st_uid == 0


@ROOT_ONLY
@pytest.mark.parametrize("name", ["server.log", "password"])
@pytest.mark.parametrize("lay", [os.link, os.symlink], ids=["hard link", "symbolic link"])
def test_a_file_of_somebody_else_under_a_name_of_ours_is_neither_read_nor_written(
    open_folder: Path, name: str, lay: Callable[[Path, Path], None]
) -> None:
    secret = open_folder / "secret"
    secret.write_text("not for the server's account")
    before = secret.stat()
    home = open_folder / "postgres"
    (home / "data").mkdir(parents=True)
    if name != "password":
        (home / "password").write_text("one")
    lay(secret, home / name)
    os.chown(home, 1, 1)

    with pytest.raises(StartFailed, match=r"Remove it|cannot be read"):
        EmbeddedPostgres(home).start()

    after = secret.stat()
    assert secret.read_text() == "not for the server's account"
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)


@ROOT_ONLY
def test_a_pipe_under_a_name_of_ours_keeps_root_waiting_for_nothing(open_folder: Path) -> None:
    home = open_folder / "postgres"
    (home / "data").mkdir(parents=True)
    os.mkfifo(home / "password")
    os.chown(home, 1, 1)
    with pytest.raises(StartFailed, match="no plain file"):
        EmbeddedPostgres(home).start()


@ROOT_ONLY
def test_the_account_cannot_exchange_its_temporary_home() -> None:
    with EmbeddedRedis(durable=False) as server:
        folder = server.home.path.parent.stat()

    assert (folder.st_uid, stat.S_IMODE(folder.st_mode)) == (0, 0o711)
    assert not server.home.path.parent.exists()


@ROOT_ONLY
def test_the_stack_writes_no_lock_where_a_stranger_lays_links(open_folder: Path) -> None:
    outside = open_folder / "outside"
    outside.write_text("theirs")
    data_dir = open_folder / "data"
    data_dir.mkdir()
    (data_dir / "stack.lock").symlink_to(outside)
    os.chown(data_dir, 1, 1)

    with pytest.raises(StartFailed, match=r"data can be changed by user 1"), _only_stack_in(data_dir):
        pass

    assert outside.read_text() == "theirs"
