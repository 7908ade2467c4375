from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from testwright.errors import SettingsError, WriteFailure
from testwright.housekeeping import (
    MARKER,
    STALE_SECONDS,
    Kind,
    cache_dir,
    places,
    remove_tree,
    scratch_parent,
    state_dir,
    tree_size,
)
from testwright.models.catalogue import REFRESHED_NAME

SCRATCH = "testwright-run-" + "0123456789abcdef" * 2


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return {"TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache"), "TESTWRIGHT_STATE_DIR": str(tmp_path / "state")}


def make_scratch(*, old: bool) -> Path:
    folder = scratch_parent() / SCRATCH
    folder.mkdir()
    if old:
        then = folder.stat().st_mtime - STALE_SECONDS - 60
        os.utime(folder, (then, then))
    return folder


def kinds(environ: dict[str, str], held: tuple[Path, ...] = (), left: tuple[Path, ...] = ()) -> list[tuple[Kind, bool]]:
    return [(place.kind, place.in_use) for place in places(held, left, environ)]


def test_folders_are_made_for_us_alone_and_marked(environ: dict[str, str], tmp_path: Path) -> None:
    assert cache_dir(environ) == tmp_path / "cache"
    assert state_dir(environ) == tmp_path / "state"
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / MARKER).is_file()
    assert cache_dir(environ) == tmp_path / "cache", "a second time is no error"


def test_without_variables_the_platform_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    assert cache_dir({}) == tmp_path / "c" / "testwright"
    assert state_dir({}) == tmp_path / "s" / "testwright"


def test_a_folder_of_somebody_else_is_refused_and_never_listed(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "thesis.tex").write_text("years of work")
    with pytest.raises(SettingsError, match=r"holds files that are not Testwright's"):
        cache_dir(environ)
    assert kinds(environ) == []
    assert not (tmp_path / "cache" / MARKER).exists()


@pytest.mark.parametrize(
    "name",
    ["boxes", "store.sqlite3", "store.sqlite3-wal", "models.sqlite3", "models.sqlite3-shm", "models.sqlite3.old"],
)
def test_a_folder_that_holds_only_our_things_is_ours(environ: dict[str, str], tmp_path: Path, name: str) -> None:
    (tmp_path / "state" / name).mkdir(parents=True)
    assert kinds(environ) == [("state", False)]
    state_dir(environ)
    assert (tmp_path / "state" / MARKER).is_file()


def test_a_cache_that_holds_only_what_a_provider_said_is_ours(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / REFRESHED_NAME).touch()
    assert kinds(environ) == [("cache", False)]


def test_a_link_to_a_folder_is_never_listed(environ: dict[str, str], tmp_path: Path) -> None:
    cache_dir({"TESTWRIGHT_CACHE_DIR": str(tmp_path / "elsewhere")})
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    assert kinds(environ) == []


def test_a_relative_path_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="TESTWRIGHT_CACHE_DIR is 'here'"):
        cache_dir({**environ, "TESTWRIGHT_CACHE_DIR": "here"})


def test_a_folder_that_cannot_be_made_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteFailure, match="cannot be made: Not a directory"):
        state_dir({**environ, "TESTWRIGHT_STATE_DIR": str(tmp_path / "file" / "state")})


def test_what_a_crash_left_is_found(environ: dict[str, str]) -> None:
    make_scratch(old=True)
    assert kinds(environ) == [("scratch", False)]


def test_a_fresh_scratch_folder_may_be_in_use(environ: dict[str, str]) -> None:
    make_scratch(old=False)
    assert kinds(environ) == [("scratch", True)]


def test_what_is_known_to_be_left_is_not_in_use(environ: dict[str, str]) -> None:
    left = make_scratch(old=False)
    assert kinds(environ, left=(left,)) == [("scratch", False)]


def test_while_a_run_goes_on_all_is_in_use(environ: dict[str, str]) -> None:
    cache_dir(environ)
    state_dir(environ)
    held = make_scratch(old=True)
    assert kinds(environ, (held,)) == [("cache", True), ("state", True), ("scratch", True)]


@pytest.mark.parametrize("name", ["testwright-notes", "testwright-run-short", "mytestwright-run-" + "0" * 32])
def test_a_folder_with_a_name_like_ours_is_not_ours(environ: dict[str, str], name: str) -> None:
    folder = scratch_parent() / name
    folder.mkdir()
    os.utime(folder, (0, 0))
    assert kinds(environ) == []


def test_a_tree_is_removed_whole_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("x")
    outside.chmod(0o755)
    tree = tmp_path / "tree"
    (tree / "locked" / "inner").mkdir(parents=True)
    (tree / "locked" / "inner" / "file").write_text("12345")
    (tree / "link").symlink_to(outside)
    assert tree_size(tree) == 5
    (tree / "locked" / "inner").chmod(0)
    (tree / "locked").chmod(0o500)
    remove_tree(tree)
    assert not tree.exists()
    assert (outside / "keep").read_text() == "x"
    assert outside.stat().st_mode & 0o777 == 0o755
    remove_tree(tree)
