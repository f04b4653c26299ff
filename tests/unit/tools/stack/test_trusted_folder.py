from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.stack import trusted_folder as module
from tools.stack.child import StartFailed
from tools.stack.trusted_folder import is_trusted_way, trusted_folder, trusted_home

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
STRANGER = 4242


@pytest.fixture
def ours() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder).resolve()


def strangers(path: Path) -> Path:
    path.mkdir()
    os.chown(path, STRANGER, STRANGER)
    return path


def open_to_everybody(path: Path, mode: int = 0o777) -> Path:
    path.mkdir()
    path.chmod(mode)
    return path


def test_a_folder_of_ours_is_made_with_its_parents(ours: Path) -> None:
    assert trusted_folder(ours / "a" / "b") == ours / "a" / "b"
    assert (ours / "a" / "b").is_dir()


def test_a_link_that_we_laid_is_followed(ours: Path) -> None:
    (ours / "there").mkdir()
    (ours / "here").symlink_to("there")

    assert trusted_folder(ours / "here" / "data") == ours / "there" / "data"
    assert trusted_home(ours / "here") == ours / "there"


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_folder_that_everybody_may_write_is_refused_to_work_in(ours: Path, mode: int) -> None:
    shared = open_to_everybody(ours / "shared", mode)

    with pytest.raises(StartFailed, match=r"shared can be changed by everybody, .* DATA_DIR"):
        trusted_folder(shared)


def test_a_folder_of_ours_in_one_where_nobody_replaces_anothers_is_fine(ours: Path) -> None:
    shared = open_to_everybody(ours / "tmp", 0o1777)

    assert is_trusted_way(shared)
    assert trusted_folder(shared / "data") == shared / "data"


def test_nothing_is_made_below_a_folder_that_everybody_may_write(ours: Path) -> None:
    shared = open_to_everybody(ours / "shared")

    with pytest.raises(StartFailed):
        trusted_folder(shared / "a" / "b")
    with pytest.raises(StartFailed):
        trusted_home(shared / "a")
    assert not is_trusted_way(shared)
    assert list(shared.iterdir()) == []


def test_a_link_through_a_folder_that_everybody_may_write_is_refused(ours: Path) -> None:
    shared = open_to_everybody(ours / "shared")
    (ours / "real").mkdir()
    (shared / "hop").symlink_to(ours / "real")
    (ours / "start").symlink_to(shared / "hop")

    with pytest.raises(StartFailed):
        trusted_folder(ours / "start")
    with pytest.raises(StartFailed):
        trusted_home(ours / "start")
    with pytest.raises(StartFailed):
        trusted_folder(ours / "real" / ".." / "shared" / "hop" / "x")


def test_links_in_a_circle_are_refused(ours: Path) -> None:
    (ours / "one").symlink_to("two")
    (ours / "two").symlink_to("one")

    with pytest.raises(StartFailed, match="too many links"):
        trusted_folder(ours / "one" / "data")


def test_a_file_in_the_place_of_the_folder_is_told_in_a_sentence(ours: Path) -> None:
    (ours / "data").write_text("")

    with pytest.raises(StartFailed, match="cannot be made"):
        trusted_folder(ours / "data")


@ROOT_ONLY
def test_root_does_not_work_in_a_strangers_folder_nor_below(ours: Path) -> None:
    folder = strangers(ours / "theirs")
    (folder / "roots").mkdir()

    for wanted in (folder, folder / "new", folder / "roots", folder / "roots" / "new"):
        with pytest.raises(StartFailed, match=f"theirs can be changed by user {STRANGER}"):
            trusted_folder(wanted)


@ROOT_ONLY
def test_a_strangers_link_in_a_folder_like_tmp_is_refused(ours: Path) -> None:
    shared = open_to_everybody(ours / "tmp", 0o1777)
    (ours / "real").mkdir()
    (shared / "data").symlink_to(ours / "real")
    os.chown(shared / "data", STRANGER, STRANGER, follow_symlinks=False)

    with pytest.raises(StartFailed, match=f"data can be changed by user {STRANGER}"):
        trusted_folder(shared / "data")
    with pytest.raises(StartFailed):
        trusted_folder(shared / "data" / "below")


@ROOT_ONLY
def test_a_strangers_home_in_a_folder_of_ours_is_theirs_to_go_on_with(ours: Path) -> None:
    home = strangers(ours / "postgres")

    assert trusted_home(home) == home


@ROOT_ONLY
def test_whoever_may_change_this_code_is_trusted(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = strangers(ours / "theirs")
    monkeypatch.setattr(module, "__file__", str(folder / "trusted_folder.py"))

    assert trusted_folder(folder / "data") == folder / "data"
