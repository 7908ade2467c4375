"""Write-back: whole or not at all, over nothing that changed, through no link."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testwright.analysis.writable import check_writable_name
from testwright.errors import TestwrightError, WriteConflict, WriteFailure, WriteRefused
from testwright.model import TestPlace
from testwright.writing.place import save_proposal, unified_diff, write_test_file

OLD = b"def test_old():\n    assert True\n"
NEW = OLD + b"\n\ndef test_new():\n    assert True\n"


def agreed(path: Path) -> TestPlace:
    """The place as it is agreed at the start of a run."""
    original = path.read_bytes() if path.exists() else None
    digest = "" if original is None else hashlib.sha256(original).hexdigest()
    return TestPlace(path, original is not None, digest, original)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work space ü"
    (folder / "tests").mkdir(parents=True)
    return folder


@pytest.fixture
def old(workspace: Path) -> TestPlace:
    path = workspace / "tests" / "test_shop.py"
    path.write_bytes(OLD)
    return agreed(path)


class TestWriting:
    def test_new_file_with_its_folders(self, workspace: Path) -> None:
        place = agreed(workspace / "tests" / "unit" / "deep" / "test_shop.py")
        write_test_file(place, NEW, workspace)
        assert place.path.read_bytes() == NEW
        assert sorted(snapshot(workspace)) == [
            "tests", "tests/unit", "tests/unit/deep", "tests/unit/deep/test_shop.py",
        ]  # fmt: skip

    def test_new_file_has_the_mode_that_the_user_gives_new_files(self, workspace: Path) -> None:
        place = agreed(workspace / "tests" / "test_shop.py")
        before = os.umask(0o027)
        try:
            write_test_file(place, NEW, workspace)
        finally:
            os.umask(before)
        assert stat.S_IMODE(place.path.stat().st_mode) == 0o640

    @pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o664])
    def test_existing_file_keeps_its_mode(self, workspace: Path, old: TestPlace, mode: int) -> None:
        old.path.chmod(mode)
        write_test_file(old, NEW, workspace)
        assert old.path.read_bytes() == NEW
        assert stat.S_IMODE(old.path.stat().st_mode) == mode
        assert list(old.path.parent.iterdir()) == [old.path]

    @pytest.mark.root
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can write as another user")
    def test_existing_file_keeps_its_owner(self, workspace: Path, old: TestPlace) -> None:
        os.chown(old.path, 65534, 65534)
        write_test_file(old, NEW, workspace)
        assert (old.path.stat().st_uid, old.path.stat().st_gid) == (65534, 65534)

    def test_file_system_without_links(self, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def link(*_arguments: object, **_options: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", link)
        place = agreed(workspace / "tests" / "test_shop.py")
        write_test_file(place, NEW, workspace)
        assert snapshot(workspace / "tests") == {"test_shop.py": NEW}

    def test_file_system_without_links_still_overwrites_nothing(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = agreed(workspace / "tests" / "test_shop.py")

        def link(*_arguments: object, **_options: object) -> None:
            place.path.write_bytes(b"# theirs\n")
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", link)
        with pytest.raises(WriteConflict):
            write_test_file(place, NEW, workspace)
        assert snapshot(workspace / "tests") == {"test_shop.py": b"# theirs\n"}

    def test_short_writes_are_continued(self, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
        place = agreed(workspace / "tests" / "test_shop.py")
        write_test_file(place, NEW, workspace)
        assert place.path.read_bytes() == NEW

    def test_no_descriptor_is_left_open(self, workspace: Path, old: TestPlace) -> None:
        before = len(list(Path("/proc/self/fd").iterdir()))
        write_test_file(old, NEW, workspace)
        with pytest.raises(WriteConflict):
            write_test_file(old, NEW, workspace)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


class TestConflicts:
    @pytest.mark.parametrize(
        ("change", "word"),
        [
            (lambda path: path.write_bytes(b"# theirs\n"), "was changed"),
            (lambda path: path.unlink(), "was removed"),
            (lambda path: path.write_bytes(OLD + b"#"), "was changed"),
        ],
        ids=["changed", "removed", "grown"],
    )
    def test_change_during_the_run_is_never_overwritten(
        self, workspace: Path, old: TestPlace, change: Callable[[Path], object], word: str
    ) -> None:
        change(old.path)
        before = snapshot(workspace)
        with pytest.raises(WriteConflict, match=word) as caught:
            write_test_file(old, NEW, workspace)
        assert snapshot(workspace) == before
        assert "--output" in caught.value.next_step

    def test_file_that_appeared_is_never_overwritten(self, workspace: Path) -> None:
        place = agreed(workspace / "tests" / "test_shop.py")
        place.path.write_bytes(b"# theirs\n")
        with pytest.raises(WriteConflict, match="was created"):
            write_test_file(place, NEW, workspace)
        assert snapshot(workspace / "tests") == {"test_shop.py": b"# theirs\n"}

    def test_file_that_appears_in_the_last_moment_is_never_overwritten(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = agreed(workspace / "tests" / "test_shop.py")
        link = os.link

        def late(*arguments: Any, **options: Any) -> None:
            place.path.write_bytes(b"# theirs\n")
            link(*arguments, **options)

        monkeypatch.setattr(os, "link", late)
        with pytest.raises(WriteConflict, match="was created"):
            write_test_file(place, NEW, workspace)
        assert snapshot(workspace / "tests") == {"test_shop.py": b"# theirs\n"}

    def test_change_while_we_write_is_seen(
        self, workspace: Path, old: TestPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fsync = os.fsync

        def slow(descriptor: int) -> None:
            old.path.write_bytes(b"# theirs\n")
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", slow)
        with pytest.raises(WriteConflict, match="was changed"):
            write_test_file(old, NEW, workspace)
        assert snapshot(workspace / "tests") == {"test_shop.py": b"# theirs\n"}


class TestLinks:
    def test_folder_that_became_a_link(self, workspace: Path, tmp_path: Path) -> None:
        place = agreed(workspace / "tests" / "test_shop.py")
        outside = tmp_path / "outside"
        outside.mkdir()
        (workspace / "tests").rmdir()
        (workspace / "tests").symlink_to(outside)
        with pytest.raises(WriteRefused):
            write_test_file(place, NEW, workspace)
        assert list(outside.iterdir()) == []

    @pytest.mark.parametrize("folder", ["tests", "tests/unit"])
    def test_folder_that_becomes_a_link_after_the_check(
        self, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
    ) -> None:
        (workspace / "tests" / "unit").mkdir()
        place = agreed(workspace / "tests" / "unit" / "test_shop.py")
        outside = tmp_path / "outside"
        (outside / "unit").mkdir(parents=True)

        def race(path: Path, root: Path) -> None:
            check_writable_name(path, root)
            shutil.rmtree(workspace / folder)
            (workspace / folder).symlink_to(outside)

        monkeypatch.setattr("testwright.writing.place.check_writable_name", race)
        with pytest.raises(WriteRefused, match="which is a link or no folder"):
            write_test_file(place, NEW, workspace)
        assert sorted(snapshot(outside)) == ["unit"]

    def test_folder_that_is_moved_after_it_was_opened(
        self, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = agreed(workspace / "tests" / "test_shop.py")
        outside = tmp_path / "outside"
        outside.mkdir()
        link = os.link

        def race(*arguments: Any, **options: Any) -> None:
            (workspace / "tests").rename(workspace / "moved")
            (workspace / "tests").symlink_to(outside)
            link(*arguments, **options)

        monkeypatch.setattr(os, "link", race)
        write_test_file(place, NEW, workspace)
        assert list(outside.iterdir()) == []
        assert (workspace / "moved" / "test_shop.py").read_bytes() == NEW

    def test_file_that_becomes_a_link_after_the_check(
        self, workspace: Path, old: TestPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        precious = tmp_path / "precious.py"
        precious.write_bytes(OLD)

        def race(path: Path, root: Path) -> None:
            check_writable_name(path, root)
            path.unlink()
            path.symlink_to(precious)

        monkeypatch.setattr("testwright.writing.place.check_writable_name", race)
        with pytest.raises(WriteRefused, match="which is a link"):
            write_test_file(old, NEW, workspace)
        assert precious.read_bytes() == OLD

    @pytest.mark.parametrize("kind", ["folder", "pipe"])
    def test_file_that_becomes_something_else_after_the_check(
        self, workspace: Path, old: TestPlace, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        def race(path: Path, root: Path) -> None:
            check_writable_name(path, root)
            path.unlink()
            if kind == "folder":
                path.mkdir()
            else:
                os.mkfifo(path)

        monkeypatch.setattr("testwright.writing.place.check_writable_name", race)
        with pytest.raises(WriteRefused):
            write_test_file(old, NEW, workspace)


@pytest.mark.parametrize(
    "name",
    [
        "tests/conftest.py", "tests/ConfTest.py", "conftest.py", "setup.py", "sitecustomize.py", "usercustomize.py",
        "tests/__init__.py", "pytest.ini", "pyproject.toml", "tests/x.pth", "tests/.hidden/test_a.py", ".git/test_a.py",
        ".vscode/settings.json", "tests/.test_a.py", "tests/../../test_a.py", "../test_a.py", "tests/test_a.txt",
        "tests/test_a.py.", "tests/test_a.py ", "tests", "", "tests/con.py", "tests/test_a\n.py",
        "tests/test_a\u200b.py",
    ],
)  # fmt: skip
def test_bad_places_are_refused_at_the_last_moment(workspace: Path, name: str) -> None:
    before = snapshot(workspace.parent)
    with pytest.raises(WriteRefused):
        write_test_file(TestPlace(workspace / name, exists=False, digest="", original=None), NEW, workspace)
    assert snapshot(workspace.parent) == before


def test_place_outside_the_workspace_is_refused(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(WriteRefused):
        write_test_file(agreed(tmp_path / "test_a.py"), NEW, workspace)


STEPS = ("open", "mkdir", "write", "fsync", "fchmod", "link", "replace", "fstat")


class Killed(BaseException):
    """Stands for a kill at this moment; nothing of ours may catch it."""


def failing_at(monkeypatch: pytest.MonkeyPatch, step: str, call: int, error: BaseException) -> Iterator[int]:
    """Let the given call of a function of ``os`` fail; yields how often it was called, afterwards."""
    calls = 0
    function = getattr(os, step)

    def broken(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise error
        return function(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, step, broken)
        yield calls
    yield calls


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        OSError(errno.EACCES, "Permission denied"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EIO, "Input/output error"),
        Killed(),
        KeyboardInterrupt(),
    ],
    ids=lambda error: errno.errorcode[error.errno or 0] if isinstance(error, OSError) else type(error).__name__,
)
@pytest.mark.parametrize("original", [OLD, None], ids=["existing", "new"])
@pytest.mark.parametrize("step", STEPS)
def test_whatever_fails_the_file_is_the_old_or_the_new_one(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, step: str, original: bytes | None, error: BaseException
) -> None:
    path = workspace / "tests" / "unit" / "more" / "test_shop.py"
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # the disk is slow, and never asked again here

    def begin() -> None:
        shutil.rmtree(workspace / "tests")
        (workspace / "tests").mkdir()
        if original is not None:
            path.parent.mkdir(parents=True)
            path.write_bytes(original)

    begin()
    before = snapshot(workspace)
    place = agreed(path)
    for call in range(1, 20):
        steps = failing_at(monkeypatch, step, call, error)
        next(steps)
        failure: BaseException | None = None
        try:
            write_test_file(place, NEW, workspace)
        except (TestwrightError, Killed, KeyboardInterrupt) as caught:
            failure = caught
        reached = next(steps) >= call
        now = snapshot(workspace)
        assert not [name for name in now if "testwright" in name]
        if failure is None:
            assert path.read_bytes() == NEW
        else:
            if isinstance(error, OSError):
                assert isinstance(failure, WriteFailure)
                assert failure.next_step
            # A kill in the flush of the folder comes when the new file is there already.
            assert now == before or path.read_bytes() == NEW
        if not reached:
            break
        if path.exists() and path.read_bytes() == NEW:
            begin()
    else:
        pytest.fail(f"os.{step} is called without end")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_the_reason_is_a_sentence(
    workspace: Path, old: TestPlace, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    def write(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(WriteFailure, match=reason) as caught:
        write_test_file(old, NEW, workspace)
    assert str(old.path) in caught.value.message
    assert caught.value.next_step
    assert old.path.read_bytes() == OLD


def test_folder_made_by_another_in_the_same_moment(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = os.mkdir

    def race(name: str, *arguments: Any, **options: Any) -> None:
        mkdir(name, *arguments, **options)
        raise FileExistsError(errno.EEXIST, "File exists")

    place = agreed(workspace / "tests" / "unit" / "test_shop.py")
    monkeypatch.setattr(os, "mkdir", race)
    write_test_file(place, NEW, workspace)
    assert place.path.read_bytes() == NEW


def test_folder_that_another_filled_is_not_removed(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = agreed(workspace / "tests" / "unit" / "test_shop.py")

    def write(*_arguments: object) -> int:
        (place.path.parent / "theirs.py").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(WriteFailure):
        write_test_file(place, NEW, workspace)
    assert sorted(snapshot(workspace / "tests")) == ["unit", "unit/theirs.py"]


def test_folder_without_permission() -> None:
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name).resolve()
        workspace.chmod(0o755)
        (workspace / "tests").mkdir()
        path = workspace / "tests" / "test_shop.py"
        path.write_bytes(OLD)
        place = agreed(path)
        path.parent.chmod(0o555)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)  # root may write anywhere
        try:
            with pytest.raises(WriteFailure, match="permission is denied"):
                write_test_file(place, NEW, workspace)
        finally:
            os.seteuid(before)
            path.parent.chmod(0o755)
        assert path.read_bytes() == OLD


FULL_DISK = """
import hashlib, sys
from pathlib import Path
from testwright.errors import WriteFailure
from testwright.model import TestPlace
from testwright.writing.place import write_test_file

workspace = Path(sys.argv[1])
existing = workspace / "test_old.py"
existing.write_bytes(b"# old\\n")
filler = open(workspace / "filler", "wb", buffering=0)
try:
    while True:
        filler.write(b"x" * 4096)
except OSError:
    pass
for path, original in ((existing, b"# old\\n"), (workspace / "test_new.py", None)):
    digest = hashlib.sha256(original).hexdigest() if original else ""
    try:
        write_test_file(TestPlace(path, original is not None, digest, original), b"#" * 100_000, workspace)
    except WriteFailure as error:
        assert "the disk is full" in error.message, error.message
    else:
        raise AssertionError("a full disk took the file")
assert existing.read_bytes() == b"# old\\n"
assert sorted(path.name for path in workspace.iterdir()) == ["filler", "test_old.py"]
print("nothing lost")
"""

READ_ONLY_DISK = """
import hashlib, subprocess, sys
from pathlib import Path
from testwright.errors import WriteFailure
from testwright.model import TestPlace
from testwright.writing.place import write_test_file

workspace = Path(sys.argv[1])
existing = workspace / "test_old.py"
existing.write_bytes(b"# old\\n")
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
for path, original in ((existing, b"# old\\n"), (workspace / "unit" / "test_new.py", None)):
    digest = hashlib.sha256(original).hexdigest() if original else ""
    try:
        write_test_file(TestPlace(path, original is not None, digest, original), b"# new", workspace)
    except WriteFailure as error:
        assert "the file system is read-only" in error.message, error.message
    else:
        raise AssertionError("a read-only disk took the file")
assert existing.read_bytes() == b"# old\\n"
print("nothing lost")
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk can only be mounted as root")
@pytest.mark.parametrize("program", [FULL_DISK, READ_ONLY_DISK], ids=["full", "read-only"])
def test_real_disk(tmp_path: Path, program: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=64k,mode=755 tmpfs "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        [
            shutil.which("unshare") or "/usr/bin/unshare",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
            str(disk),
            sys.executable,
            program,
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "nothing lost\n"), done.stderr


class TestDiff:
    def test_new_file(self, workspace: Path) -> None:
        place = agreed(workspace / "tests" / "test_shop.py")
        assert unified_diff(place, b"a = 1\n", workspace) == (
            "--- /dev/null\n+++ b/tests/test_shop.py\n@@ -0,0 +1 @@\n+a = 1\n"
        )

    def test_existing_file(self, workspace: Path, old: TestPlace) -> None:
        diff = unified_diff(old, NEW, workspace)
        assert diff.startswith("--- a/tests/test_shop.py\n+++ b/tests/test_shop.py\n@@ -1,2 +1,6 @@\n")
        assert [line for line in diff.splitlines() if line.startswith("-")] == ["--- a/tests/test_shop.py"]

    def test_no_change(self, workspace: Path, old: TestPlace) -> None:
        assert unified_diff(old, OLD, workspace) == ""

    def test_missing_final_newline_and_form_feed(self, workspace: Path) -> None:
        path = workspace / "tests" / "test_shop.py"
        path.write_bytes(b"a = 1\n\x0cb = 2")
        diff = unified_diff(agreed(path), b"a = 1\n\x0cb = 2\nc = 3", workspace)
        assert diff.endswith(
            " a = 1\n-\x0cb = 2\n\\ No newline at end of file\n+\x0cb = 2\n+c = 3\n\\ No newline at end of file\n"
        )


class TestProposal:
    def test_is_kept_outside_the_workspace(self, workspace: Path, old: TestPlace, tmp_path: Path) -> None:
        state = tmp_path / "state"
        state.mkdir()
        path = save_proposal(NEW, old, state)
        assert path.read_bytes() == NEW
        assert path.parent == state / "proposals"
        assert path.name.endswith("-test_shop.py")
        assert save_proposal(NEW, old, state) == path
        assert save_proposal(OLD, old, state) != path
        assert snapshot(workspace)["tests/test_shop.py"] == OLD

    def test_failure_is_said(self, old: TestPlace, tmp_path: Path) -> None:
        state = tmp_path / "state"
        state.write_bytes(b"no folder")
        with pytest.raises(WriteFailure, match="could not be written"):
            save_proposal(NEW, old, state)
