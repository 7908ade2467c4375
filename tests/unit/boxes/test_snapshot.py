"""What a snapshot holds and what it never does."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from threading import Event

import pytest

from testwright.boxes import snapshot
from testwright.boxes.snapshot import is_secret, make_snapshot
from testwright.errors import BoxFailure


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "work space é"
    root.mkdir()
    return root


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "snapshot"


def write(root: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()}


@pytest.mark.parametrize(
    "name",
    [
        ".env", ".env.local", "prod.env", ".ENV", ".envrc", "server.pem", "Server.KEY", "id_rsa", "id_rsa.pub",
        "id_ed25519", ".netrc", ".pypirc", ".npmrc", "credentials", "credentials.json", "credentials-prod.yaml",
        "secrets.yaml", "secrets", ".secrets.toml", "store.p12", "pass.kdbx", "service-account-1.json",
        "service_account.json", ".gitconfig", ".git-credentials", ".htpasswd", "client_secret_1.json", "x.tfstate",
        "prod.tfvars",
    ],
)  # fmt: skip
def test_secret_files(name: str) -> None:
    assert is_secret(name, folder=False)


@pytest.mark.parametrize(
    "name",
    ["secrets.py", "credentials.py", "credentials_test.pyi", ".env.example", ".env.sample", "environment.yml",
     "keys.py", "key.txt", "secretsanta.md", "pem.txt", "token.py"],
)  # fmt: skip
def test_files_that_are_no_secrets(name: str) -> None:
    assert not is_secret(name, folder=False)


def test_secret_folders_are_left_out_but_packages_named_alike_stay(workspace: Path, destination: Path) -> None:
    write(workspace, ".aws/config", ".ssh/known_hosts", ".git/HEAD", ".github/ci.yml")
    write(workspace, "secrets/__init__.py", "credentials/store.py")
    report = make_snapshot(workspace, destination)
    assert files(destination) == {"secrets/__init__.py", "credentials/store.py"}
    assert set(map(str, report.secrets)) == {".aws", ".ssh", ".git", ".github"}
    assert any("look like secrets" in note for note in report.notes)


def test_what_is_no_source_is_left_out(workspace: Path, destination: Path) -> None:
    write(workspace, "env/pyvenv.cfg", "env/lib/x.py", "conda/conda-meta/history", "conda/lib/x.py")
    write(workspace, "node_modules/x.js", "a/__pycache__/x.pyc", ".tox/x", ".mypy_cache/x", "a/.pytest_cache/x")
    write(workspace, "build/lib/a.py", "dist/a.whl", "a/build/kept.py", "a/x.egg-info/PKG-INFO", "a/x.py")
    make_snapshot(workspace, destination)
    assert files(destination) == {"a/build/kept.py", "a/x.egg-info/PKG-INFO", "a/x.py"}


def test_a_package_named_build_is_a_source(workspace: Path, destination: Path) -> None:
    write(workspace, "build/__init__.py", "build/env.py")
    make_snapshot(workspace, destination)
    assert files(destination) == {"build/__init__.py", "build/env.py"}


def test_what_is_to_be_kept_is_kept_even_there(workspace: Path, destination: Path) -> None:
    write(workspace, "build/lib/a.py", "build/lib/b.py", "build/other/c.py", ".cache/x/y.txt", ".cache/x/.env")
    make_snapshot(workspace, destination, keep=[workspace / "build" / "lib" / "a.py", workspace / ".cache" / "x"])
    assert files(destination) == {"build/lib/a.py", ".cache/x/y.txt"}


def test_links_stay_links_and_never_lead_out(workspace: Path, destination: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.txt")
    write(workspace, "a/file.txt", "b/c/x")
    links = {
        "inside": "a/file.txt",
        "b/c/up": "../../a/file.txt",
        "folder": "a",
        "absolute": str(workspace / "a"),
        "round": f"../{workspace.name}/a/file.txt",
        "dangling": "nowhere",
        "out": "../outside/secret.txt",
        "out-absolute": str(tmp_path / "outside"),
        "b/c/out-by-link": "../../out-absolute/secret.txt",
        "etc": "/etc",
    }
    for name, target in links.items():
        (workspace / name).symlink_to(target)
    report = make_snapshot(workspace, destination)

    seen = {name: str((destination / name).readlink()) for name in links if (destination / name).is_symlink()}
    assert seen == {
        "inside": "a/file.txt",
        "b/c/up": "../../a/file.txt",
        "folder": "a",
        "absolute": "a",
        "round": "a/file.txt",
        "dangling": "nowhere",
    }
    assert set(map(str, report.outside)) == {"out", "out-absolute", "b/c/out-by-link", "etc"}
    for path in destination.rglob("*"):
        assert path.resolve().is_relative_to(destination.resolve())


def test_pipes_and_sockets_are_left_out_at_once(
    workspace: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(workspace / "pipe")
    monkeypatch.chdir(workspace)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        write(workspace, "a.py")
        make_snapshot(workspace, destination)
    assert files(destination) == {"a.py"}


def test_content_time_and_execution_are_kept_and_all_can_be_read(workspace: Path, destination: Path) -> None:
    data = os.urandom(300_000)
    write(workspace, "data.bin", content=data)
    write(workspace, "tool.sh", "empty.py", content=b"")
    (workspace / "data.bin").chmod(0o600)
    (workspace / "tool.sh").chmod(0o700)
    os.utime(workspace / "data.bin", (1, 1_000_000_000))
    write(workspace, "folder/x.py")
    (workspace / "folder").chmod(0o700)
    before = os.umask(0o077)
    try:
        report = make_snapshot(workspace, destination)
    finally:
        os.umask(before)
    assert (destination / "data.bin").read_bytes() == data
    assert (destination / "data.bin").stat().st_mtime == 1_000_000_000
    assert (destination / "data.bin").stat().st_mode & 0o777 == 0o644
    assert (destination / "tool.sh").stat().st_mode & 0o777 == 0o755
    assert (destination / "folder").stat().st_mode & 0o777 == 0o755
    assert destination.stat().st_mode & 0o777 == (0o755 if os.geteuid() == 0 else 0o700)
    assert (report.files, report.size) == (4, 300_001)


def test_large_files_are_left_out_and_told(workspace: Path, destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "FILE_CAP", 100)
    write(workspace, "model.bin", "kept.bin", "large.py", content=b"x" * 200)
    report = make_snapshot(workspace, destination, keep=[workspace / "kept.bin"])
    assert files(destination) == {"large.py", "kept.bin"}
    assert [str(path) for path in report.too_large] == ["model.bin"]
    assert any("model.bin" in note and "too large" in note for note in report.notes)


def test_data_stops_at_the_total_and_sources_beyond_it_are_an_error(
    workspace: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "TOTAL_CAP", 100)
    write(workspace, "a.bin", "b.bin", content=b"x" * 60)
    report = make_snapshot(workspace, destination)
    assert [str(path) for path in report.too_large] == ["b.bin"]
    write(workspace, "c.py", content=b"x" * 60)
    with pytest.raises(BoxFailure, match="too large for a box"):
        make_snapshot(workspace, destination.with_name("second"))


def test_too_many_files_are_an_error(workspace: Path, destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "COUNT_CAP", 2)
    write(workspace, "a", "b", "c")
    with pytest.raises(BoxFailure, match="over 2 files"):
        make_snapshot(workspace, destination)


def test_a_full_disk_is_a_sentence(workspace: Path, destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    write(workspace, "a.py")
    monkeypatch.setattr(os, "sendfile", full)
    with pytest.raises(BoxFailure, match="No space left") as raised:
        make_snapshot(workspace, destination)
    assert "Free some space" in raised.value.next_step


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(
    workspace: Path, destination: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "secret.txt", content=b"secret")
    write(workspace, "a.txt")
    honest = os.open

    def swapping(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a.txt":
            (workspace / "a.txt").unlink()
            (workspace / "a.txt").symlink_to(tmp_path / "secret.txt")
        return honest(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swapping)
    report = make_snapshot(workspace, destination)
    assert files(destination) == set()
    assert [str(path) for path in report.unreadable] == ["a.txt"]


# What an editor holds.


def test_what_is_open_takes_the_place_of_what_is_on_the_disk(workspace: Path, destination: Path) -> None:
    write(workspace, "a.py", "tool.sh", "data.txt")
    (workspace / "tool.sh").chmod(0o755)
    os.utime(workspace / "a.py", (1_000_000_000, 1_000_000_000))
    buffers = {
        workspace / "a.py": b"open",
        workspace / "tool.sh": b"open too",
        workspace / "pkg" / "deep" / "new.py": b"not saved",
        workspace / "notes.md": b"not saved either",
    }
    report = make_snapshot(workspace, destination, buffers=buffers)
    assert files(destination) == {"a.py", "tool.sh", "data.txt", "pkg/deep/new.py", "notes.md"}
    assert (destination / "a.py").read_bytes() == b"open"
    assert (destination / "a.py").stat().st_mtime != 1_000_000_000
    assert (destination / "tool.sh").read_bytes() == b"open too"
    assert (destination / "tool.sh").stat().st_mode & 0o777 == 0o755
    assert (destination / "pkg/deep/new.py").read_bytes() == b"not saved"
    assert (destination / "pkg/deep/new.py").stat().st_mode & 0o777 == 0o644
    assert (destination / "pkg/deep").stat().st_mode & 0o777 == 0o755
    assert (report.files, report.size) == (5, 1 + sum(map(len, buffers.values())))
    assert report.notes == ()


@pytest.mark.parametrize(
    "name",
    [".env", "a/.env", ".aws/x.py", ".git/hooks/x.py", "id_rsa", "node_modules/x.py", "__pycache__/x.py", "env/x.py",
     "build/x.py", "dist/new/x.py", "a/.tox/x.py"],
)  # fmt: skip
def test_being_open_makes_nothing_visible(workspace: Path, destination: Path, name: str) -> None:
    write(workspace, "env/pyvenv.cfg", "a/x.txt")
    on_disk, _ = workspace / name, make_snapshot(workspace, destination)
    without = files(destination)
    for number in range(2):  # as an unsaved document, and as one that is on the disk
        copy = destination.with_name(f"snapshot-{number}")
        make_snapshot(workspace, copy, buffers={on_disk: b"canary"})
        assert files(copy) == without
        write(workspace, name)


def test_a_hidden_document_is_told_of_once(workspace: Path, destination: Path) -> None:
    write(workspace, ".env", ".aws/config")
    buffers = dict.fromkeys([workspace / ".env", workspace / ".aws/x.py", workspace / ".aws/y.py"], b"canary")
    report = make_snapshot(workspace, destination, buffers=buffers)
    assert [str(path) for path in report.secrets] == [".aws", ".env"]


def test_what_is_kept_is_kept_when_it_is_only_open(workspace: Path, destination: Path) -> None:
    write(workspace, "build/other.py")
    module = workspace / "build" / "new" / "module.py"
    make_snapshot(
        workspace, destination, keep=[module], buffers={module: b"open", workspace / "build/third.py": b"open"}
    )
    assert files(destination) == {"build/new/module.py"}


def test_documents_elsewhere_are_not_looked_at(workspace: Path, destination: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside.py", "folder/x.py")
    (workspace / "link.py").symlink_to(tmp_path / "outside.py")
    (workspace / "linked").symlink_to(tmp_path / "folder")
    buffers = {tmp_path / "outside.py": b"1", workspace / "link.py": b"2", workspace / "linked" / "new.py": b"3"}
    report = make_snapshot(workspace, destination, buffers=buffers)
    assert files(destination) == set()
    assert (tmp_path / "outside.py").read_bytes() == b"x"
    assert not (tmp_path / "folder/new.py").exists()
    assert {str(path) for path in report.outside} == {"link.py", "linked"}


def test_a_document_that_is_open_through_a_link_is_found(workspace: Path, destination: Path) -> None:
    write(workspace, "real/a.py")
    (workspace / "linked").symlink_to("real")
    make_snapshot(workspace, destination, buffers={workspace / "linked" / "a.py": b"open"})
    assert (destination / "real/a.py").read_bytes() == b"open"
    assert (destination / "linked").is_symlink()


def test_no_link_in_the_copy_is_followed_by_what_is_written(
    workspace: Path, destination: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The folder was a plain one when the document's path was looked at, and is a link when it is copied.
    write(workspace, "plain/a.txt", "other/b.txt")
    buffers = {workspace / "plain" / "new.py": b"open", workspace / "b.py": b"open"}
    honest = os.path.realpath

    def swapping(path: os.PathLike[str], **options: bool) -> str:
        real = honest(path, **options)
        if Path(path) == workspace / "b.py":
            (workspace / "plain" / "a.txt").unlink()
            (workspace / "plain").rmdir()
            (workspace / "plain").symlink_to("other")
            (workspace / "b.py").symlink_to("other/b.txt")
        return real

    monkeypatch.setattr(os.path, "realpath", swapping)
    report = make_snapshot(workspace, destination, buffers=buffers)
    assert files(destination) == {"plain", "b.py", "other/b.txt"}
    assert (destination / "other/b.txt").read_bytes() == b"x"
    assert {str(path) for path in report.unreadable} == {"plain/new.py", "b.py"}


def test_documents_count_against_the_limits(
    workspace: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workspace, "grown.bin", "shrunk.bin", content=b"x" * 50)
    monkeypatch.setattr(snapshot, "FILE_CAP", 60)
    buffers = {workspace / "grown.bin": b"x" * 100, workspace / "new.bin": b"x" * 100, workspace / "a.py": b"x" * 100}
    report = make_snapshot(workspace, destination, buffers=buffers)
    assert files(destination) == {"shrunk.bin", "a.py"}
    assert [str(path) for path in report.too_large] == ["grown.bin", "new.bin"]
    monkeypatch.setattr(snapshot, "TOTAL_CAP", 120)
    with pytest.raises(BoxFailure, match="too large for a box"):
        make_snapshot(workspace, destination.with_name("second"), buffers=buffers)


def test_no_further_file_is_copied_once_nobody_wants_the_copy(
    workspace: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workspace, "a.py", "b.py", "c/d.py", "e.py")
    stop = Event()
    copy = snapshot._copy_content

    def one(source: int, place: Path, status: os.stat_result) -> int:
        stop.set()
        return copy(source, place, status)

    monkeypatch.setattr(snapshot, "_copy_content", one)
    make_snapshot(workspace, destination, stop=stop)
    assert files(destination) == {"a.py"}
