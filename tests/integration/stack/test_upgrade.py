"""The upgrade of docs/operations.md, tried with yesterday's code: what was there before the newest migration."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.integration.stack.student import Student
from tools.stack.processes import PROJECT, Worker
from tools.stack.stack import MADE_UP_STUDENTS, Stack, StackOptions
from tools.stack.stack_settings import StackSettings

#: So many commits back: somebody may have committed half of a change just before.
LOOKED_AT = 100

WORKER = Worker("all", ("interactive", "prefetch"), concurrency=16)

VERSIONS = ScriptDirectory.from_config(Config(PROJECT / "alembic.ini"))


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture
def yesterday(tmp_path: Path) -> Path:
    """The code of the last commit without the newest migration that is whole enough to be loaded."""
    head = VERSIONS.get_revision("head")
    assert head is not None
    newest = Path(head.path).relative_to(PROJECT)
    # By first parents: a merge may have added the file, under this name.
    added = git("log", "--first-parent", "-m", "--diff-filter=A", "--format=%H", "--", str(newest))
    commits = git("rev-list", "--first-parent", f"--max-count={LOOKED_AT}", f"{added}^" if added else "HEAD")
    for commit in filter(leads_to_today, commits.split()):
        code = unpacked(commit, tmp_path / commit)
        assert not (code / newest).exists()
        if loads(code):
            return code
    pytest.skip("there is no history here to take yesterday's code from")


def leads_to_today(commit: str) -> bool:
    """Whether its migrations are among today's: a branch may have had one under another number."""
    folder = Path(VERSIONS.versions).relative_to(PROJECT)
    then = git("ls-tree", "--name-only", f"{commit}:{folder}").split()
    return set(then) <= {path.name for path in Path(VERSIONS.versions).glob("*.py")}


def unpacked(commit: str, folder: Path) -> Path:
    archive = folder.with_suffix(".zip")
    git("archive", "--format=zip", f"--output={archive}", commit)
    shutil.unpack_archive(archive, folder)
    return folder


def loads(code: Path) -> bool:
    program = [sys.executable, "-c", "import api.__main__, worker.signals, tasks.sweep"]
    return subprocess.run(program, cwd=code, capture_output=True, check=False).returncode == 0


def revision(stack: Stack) -> str:
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        [[found]] = connection.execute("SELECT version_num FROM generation.alembic_version").fetchall()
    return str(found)


@pytest.mark.timeout(180)
def test_an_exam_goes_on_while_tables_and_processes_become_todays(tmp_path: Path, yesterday: Path) -> None:
    settings = StackSettings(
        speed=20, database_url=None, redis_url=None, anthropic_api_key=None, claude_base_url=None
    )
    options = StackOptions(
        directory=tmp_path,
        keep_data=False,
        durable=False,
        free_ports=True,
        workers=(WORKER,),
        environment=MADE_UP_STUDENTS,
    )
    stack = Stack(settings, options)
    stack.project = yesterday
    with stack:
        assert revision(stack) in {each.revision for each in VERSIONS.walk_revisions()} - {
            VERSIONS.get_current_head()
        }
        student = Student(stack.api_url)
        taken = [student.begin({"track": "scientific"})["questions"]]
        assert student.reach(7) == 1

        stack.project = PROJECT
        stack.migrate()
        assert revision(stack) == VERSIONS.get_current_head()
        taken += [student.take(1), student.take(2)]  # by yesterday's worker, through yesterday's API

        yesterdays = stack.children[WORKER.name]
        assert student.reach(27) == 3
        stack.start_worker(WORKER)
        yesterdays.stop(grace_s=15)
        taken += [student.take(3)]
        student.url = stack.add_api()
        stack.children.pop("api").stop(grace_s=15)
        taken += [student.take(4)]

        assert [len(batch) for batch in taken] == [10] * 5
        positions = [question["index"] for batch in taken for question in batch]
        assert positions == list(range(50))
        assert student.session()["questions"] == [question for batch in taken for question in batch]
