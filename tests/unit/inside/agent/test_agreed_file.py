"""The one file that leaves the box, whatever stands in its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from testwright.inside.agent.agreed_file import read_agreed

SECRET = b"secret"


def make_file(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content\r\n\xff")


def make_link(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(path.parents[2] / "secret")


def make_linked_folder(path: Path) -> None:
    (path.parents[2] / "other").mkdir()
    (path.parents[2] / "other" / path.name).write_bytes(SECRET)
    path.parent.symlink_to(path.parents[2] / "other")


def make_pipe(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.mkdir(parents=True)


def make_file_for_folder(path: Path) -> None:
    path.parent.write_bytes(b"")


def make_large(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * 101)


def make_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)


def make_no_folder(path: Path) -> None:
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (make_file, (b"content\r\n\xff", None)),
        (make_link, (None, "link")),
        (make_linked_folder, (None, "link")),
        (make_pipe, (None, "not-a-file")),
        (make_folder, (None, "not-a-file")),
        (make_file_for_folder, (None, "not-a-file")),
        (make_large, (None, "too-large")),
        (make_nothing, (None, "missing")),
        (make_no_folder, (None, "missing")),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_only_a_plain_file_is_read(
    tmp_path: Path, make: Callable[[Path], None], expected: tuple[bytes | None, str | None]
) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    make(workspace / "tests" / "test_agent.py")
    assert read_agreed(workspace, "tests/test_agent.py", 100) == expected


def test_a_workspace_that_is_gone_has_no_file(tmp_path: Path) -> None:
    assert read_agreed(tmp_path / "gone", "tests/test_agent.py", 100) == (None, "missing")


def test_a_place_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    assert read_agreed(tmp_path, "x" * 300, 100) == (None, "unreadable")
