"""What goes into an agent's box."""

from __future__ import annotations

import os
import tarfile
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from testwright.boxes.session import placed_name
from testwright.engines.openhands import freight
from testwright.engines.openhands.freight import Freight, packed
from testwright.engines.openhands.ignoring import ignored_by
from testwright.errors import BoxFailure

PATH = "src/test_shop.py"


@pytest.fixture
def cargo(tmp_path: Path) -> Freight:
    files = {
        "snapshot/src/shop.py": "PRICE = 3\n",
        "snapshot/run.sh": "#!/bin/sh\n",
        "snapshot/big/data.csv": "1,2\n",
        "snapshot/notes.log": "x\n",
        "library/testwright_inside/__init__.py": "",
        "overlay/pytest/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "snapshot" / "run.sh").chmod(0o700)
    return Freight(tmp_path / "snapshot", tmp_path / "library", tmp_path / "overlay")


def names(cargo: Freight) -> list[str]:
    with packed(cargo, PATH) as file, tarfile.open(fileobj=file) as archive:
        return archive.getnames()


def test_all_folders_are_packed_and_belong_to_nobody(cargo: Freight) -> None:
    with packed(cargo, PATH) as file, tarfile.open(fileobj=file) as archive:
        members = {member.name: member for member in archive}
        shop = archive.extractfile("workspace/src/shop.py")
        assert shop is not None
        assert shop.read() == b"PRICE = 3\n"
    assert set(members) >= {"workspace", "workspace/big", "library/testwright_inside", "overlay/pytest/__init__.py"}
    assert {(member.uid, member.gid, member.uname) for member in members.values()} == {(0, 0, "")}
    assert members["workspace/run.sh"].mode == 0o755
    assert members["workspace/src/shop.py"].mode == 0o644


def test_what_is_ignored_stays_out_with_all_below_it(cargo: Freight, tmp_path: Path) -> None:
    workspace = tmp_path / "user"
    workspace.mkdir()
    (workspace / ".gitignore").write_text("*.log\nbig/\n")
    found = names(Freight(cargo.snapshot, cargo.library, None, ignored_by(workspace)))
    assert found == ["workspace", "workspace/run.sh", "workspace/src", "workspace/src/shop.py", *found[-3:]]
    assert [name for name in found if name.startswith("overlay")] == []


@pytest.mark.parametrize(
    ("place", "goal", "is_packed"),
    [
        ("link.py", "src/shop.py", True),
        ("src/up.py", "../run.sh", True),
        ("out.py", "/etc/passwd", False),
        ("src/out.py", "../../x", False),
        ("src/also.py", "../..", False),
    ],
)
def test_a_link_stays_when_it_stays_inside(cargo: Freight, place: str, goal: str, is_packed: bool) -> None:  # noqa: FBT001
    (cargo.snapshot / place).symlink_to(goal)
    assert (f"workspace/{place}" in names(cargo)) is is_packed


@pytest.mark.parametrize(
    ("path", "made"),
    [("test_a.py", []), ("src/test_a.py", []), ("tests/a/test_a.py", ["workspace/tests", "workspace/tests/a"])],
)
def test_the_folder_of_the_agreed_file_is_there(cargo: Freight, path: str, made: list[str]) -> None:
    with packed(cargo, path) as file, tarfile.open(fileobj=file) as archive:
        found = archive.getnames()
    assert sorted(set(found) - set(names(cargo))) == made
    assert len(found) == len(set(found))


def test_too_much_is_refused(cargo: Freight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freight, "MAX_BYTES", 1000)
    with pytest.raises(BoxFailure, match="too large for an agent's box"):
        packed(cargo, PATH)


def test_what_is_gone_is_told(cargo: Freight) -> None:
    with pytest.raises(BoxFailure, match="could not be packed"):
        packed(Freight(cargo.snapshot / "gone", cargo.library), PATH)


def test_it_stops_when_nobody_wants_it_any_more(cargo: Freight) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(BoxFailure, match="nobody wants it"):
        packed(cargo, PATH, stop)


def test_what_the_judge_places_meanwhile_stays_out(cargo: Freight) -> None:
    (cargo.snapshot / "src" / placed_name()).write_text("x = 1\n", "utf-8")
    (cargo.snapshot / "src" / "test_testwright_own.py").write_text("x = 1\n", "utf-8")
    assert [name for name in names(cargo) if "test_testwright" in name] == ["workspace/src/test_testwright_own.py"]


def test_a_folder_that_goes_while_it_is_packed(cargo: Freight, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cargo.snapshot / "tests"
    folder.mkdir()
    scandir = os.scandir

    def going(path: Path) -> Any:
        if Path(path) == folder:
            folder.rmdir()  # as the judge does with one that it has made
        return scandir(path)

    monkeypatch.setattr(os, "scandir", going)
    assert "workspace/src/shop.py" in names(cargo)


def test_a_snapshot_that_is_not_there(cargo: Freight) -> None:
    with pytest.raises(BoxFailure, match="could not be packed"):
        names(replace(cargo, snapshot=cargo.snapshot / "gone"))
