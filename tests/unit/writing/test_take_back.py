"""What a run has written is taken back only while it is what was written, and the file is whole at every moment."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testwright.errors import WriteConflict, WriteFailure, WriteRefused
from testwright.model import TestPlace
from testwright.writing.place import discard_test_file, replace_test_file, write_test_file

OLD = b"def test_a():\n    pass\n"
NEW = OLD + b"\n\ndef test_b():\n    pass\n"
OTHER = NEW + b"# mine\n"

TakeBack = Callable[[Path, bytes, Path], None]


def replace(path: Path, data: bytes, workspace: Path) -> None:
    replace_test_file(path, data, OLD, workspace)


EVERY_WAY = pytest.mark.parametrize("take_back", [replace, discard_test_file])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = (tmp_path / "work").resolve()
    (root / "tests" / "unit").mkdir(parents=True)
    return root


@pytest.fixture
def written(workspace: Path) -> Path:
    """A test file as a run has left it."""
    path = workspace / "tests" / "unit" / "test_shop.py"
    path.write_bytes(NEW)
    return path


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_was_there_is_put_back_with_its_permissions(workspace: Path, written: Path) -> None:
    written.chmod(0o640)
    replace(written, NEW, workspace)
    assert files(workspace) == {"tests/unit/test_shop.py": OLD}
    assert stat.S_IMODE(written.stat().st_mode) == 0o640


def test_a_file_that_a_run_has_made_is_removed_and_nothing_else(workspace: Path, written: Path) -> None:
    beside = written.with_name("test_other.py")
    beside.write_bytes(OTHER)
    discard_test_file(written, NEW, workspace)
    assert files(workspace) == {"tests/unit/test_other.py": OTHER}
    beside.unlink()
    written.write_bytes(NEW)
    discard_test_file(written, NEW, workspace)
    assert written.parent.is_dir()


def test_a_run_is_taken_back_whole(workspace: Path) -> None:
    path = workspace / "tests" / "shop" / "test_shop.py"
    place = TestPlace(path, exists=False, digest="", original=None)
    write_test_file(place, NEW, workspace)
    discard_test_file(path, NEW, workspace)
    assert files(workspace) == {}
    write_test_file(place, NEW, workspace)  # and can be done again
    assert files(workspace) == {"tests/shop/test_shop.py": NEW}


@EVERY_WAY
def test_a_file_that_was_changed_since_is_kept(workspace: Path, written: Path, take_back: TakeBack) -> None:
    written.write_bytes(OTHER)
    with pytest.raises(
        WriteConflict, match=r"test_shop\.py was changed since its tests were written, so it is kept"
    ) as caught:
        take_back(written, NEW, workspace)
    assert caught.value.next_step
    assert files(workspace) == {"tests/unit/test_shop.py": OTHER}


@EVERY_WAY
@pytest.mark.parametrize("gone", ["tests/unit/test_shop.py", "tests/unit", "tests"])
def test_a_file_that_is_gone_is_told_and_no_folder_is_made(
    workspace: Path, written: Path, take_back: TakeBack, gone: str
) -> None:
    written.unlink()
    for name in ("tests/unit", "tests"):
        if name.startswith(gone):
            (workspace / name).rmdir()
    before = sorted(workspace.rglob("*"))
    with pytest.raises(WriteConflict, match="was removed since its tests were written") as caught:
        take_back(written, NEW, workspace)
    assert caught.value.next_step
    assert sorted(workspace.rglob("*")) == before


@EVERY_WAY
def test_a_change_at_the_last_moment_is_kept(
    workspace: Path, written: Path, take_back: TakeBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user saves between the first look and the change."""
    look = os.open

    def race(path: Any, *arguments: Any, **options: Any) -> int:
        if path == "unit":
            written.write_bytes(OTHER)
        return look(path, *arguments, **options)

    monkeypatch.setattr(os, "open", race)
    with pytest.raises(WriteConflict, match="was changed since"):
        take_back(written, NEW, workspace)
    assert files(workspace) == {"tests/unit/test_shop.py": OTHER}


@EVERY_WAY
@pytest.mark.parametrize("link", ["tests/unit/test_shop.py", "tests/unit", "tests"])
def test_no_link_is_followed(workspace: Path, written: Path, tmp_path: Path, take_back: TakeBack, link: str) -> None:
    outside = tmp_path / "outside"
    (workspace / link).rename(outside)
    (workspace / link).symlink_to(outside)
    with pytest.raises(WriteRefused):
        take_back(written, NEW, workspace)
    assert written.read_bytes() == NEW  # by the link


@EVERY_WAY
@pytest.mark.parametrize("link", ["test_shop.py", "unit", "tests"])
def test_no_link_is_followed_that_comes_after_the_check(  # noqa: PLR0917 - fixtures go by name
    workspace: Path, written: Path, tmp_path: Path, take_back: TakeBack, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    place = next(path for path in (written, *written.parents) if path.name == link)
    look = os.open

    def race(path: Any, *arguments: Any, **options: Any) -> int:
        if path == link and not outside.exists():
            place.rename(outside)
            place.symlink_to(outside)
        return look(path, *arguments, **options)

    monkeypatch.setattr(os, "open", race)
    with pytest.raises(WriteRefused, match="which is a link or no folder"):
        take_back(written, NEW, workspace)
    assert written.read_bytes() == NEW  # by the link


@EVERY_WAY
@pytest.mark.parametrize("name", ["tests/conftest.py", "../test_a.py", "setup.py", "tests/test_a.txt"])
def test_other_files_are_not_touched(workspace: Path, take_back: TakeBack, name: str) -> None:
    path = workspace / name
    path.write_bytes(NEW)
    with pytest.raises(WriteRefused):
        take_back(path, NEW, workspace)
    assert path.read_bytes() == NEW


class Killed(BaseException):
    """Stands for a kill at this moment; nothing of ours may catch it."""


@EVERY_WAY
@pytest.mark.parametrize("step", ["open", "write", "fsync", "fchmod", "replace", "fstat", "unlink"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), Killed()], ids=["disk", "kill"])
def test_whatever_fails_the_file_is_as_it_was_or_taken_back(  # noqa: PLR0917 - fixtures go by name
    workspace: Path,
    written: Path,
    monkeypatch: pytest.MonkeyPatch,
    take_back: TakeBack,
    step: str,
    error: BaseException,
) -> None:
    taken_back = {} if take_back is discard_test_file else {"tests/unit/test_shop.py": OLD}
    for call in range(1, 20):
        calls = 0
        function = getattr(os, step)

        def broken(*arguments: Any, wanted: int = call, original: Any = function, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == wanted:
                raise error
            return original(*arguments, **options)

        failure: BaseException | None = None
        with monkeypatch.context() as patched:
            patched.setattr(os, step, broken)
            try:
                take_back(written, NEW, workspace)
            except (WriteFailure, Killed) as caught:
                failure = caught
        now = files(workspace)
        if calls < call:
            assert failure is None
            break
        if step != "unlink" or take_back is discard_test_file:
            assert not [name for name in now if name.endswith(".tmp")]
        if failure is None:
            assert taken_back.items() <= now.items()
        elif isinstance(failure, WriteFailure):
            assert failure.next_step
            assert now == {"tests/unit/test_shop.py": NEW}
        else:
            assert now in ({"tests/unit/test_shop.py": NEW}, taken_back) or step == "unlink"
        for leftover in written.parent.glob(".testwright-*"):
            leftover.unlink()
        written.write_bytes(NEW)
    else:
        pytest.fail(f"os.{step} is called without end")


def test_why_it_could_not_be_removed_is_a_sentence(
    workspace: Path, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlink(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(WriteFailure, match=r"test_shop\.py could not be removed: the file system is read-only\."):
        discard_test_file(written, NEW, workspace)
    assert files(workspace) == {"tests/unit/test_shop.py": NEW}
