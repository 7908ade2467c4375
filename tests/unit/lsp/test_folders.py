"""Which folder and which project a file belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from testwright.lsp.client.folders import Folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    for name in ("one/inner/deep", "two", "one-more"):
        (tmp_path / name).mkdir(parents=True)
    return Folders([types.WorkspaceFolder((tmp_path / name).as_uri(), name) for name in ("one", "one/inner", "two")])


def test_the_innermost_folder_holds_a_file(folders: Folders, tmp_path: Path) -> None:
    assert folders.uri_of(tmp_path / "one" / "a.py") == (tmp_path / "one").as_uri()
    assert folders.uri_of(tmp_path / "one" / "inner" / "deep" / "a.py") == (tmp_path / "one" / "inner").as_uri()
    assert folders.uri_of(tmp_path / "one-more" / "a.py") is None
    assert folders.path_of((tmp_path / "two").as_uri()) == tmp_path / "two"
    assert folders.path_of(None) is None
    assert folders.path_of("file:///elsewhere") is None


def test_folders_come_and_go(folders: Folders, tmp_path: Path) -> None:
    more, inner = (types.WorkspaceFolder((tmp_path / name).as_uri(), "") for name in ("one-more", "one/inner"))
    folders.change([more], [inner])

    assert folders.paths == (tmp_path / "one", tmp_path / "two", tmp_path / "one-more")
    assert folders.uri_of(tmp_path / "one" / "inner" / "a.py") == (tmp_path / "one").as_uri()
    assert folders.uri_of(tmp_path / "one-more" / "a.py") == more.uri


def test_a_folder_behind_a_link_holds_its_files_under_both_names(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    folders = Folders([types.WorkspaceFolder(link.as_uri(), "link")])

    assert folders.uri_of(link / "a.py") == link.as_uri()
    assert folders.uri_of(real / "a.py") == link.as_uri()
    assert folders.root_of(real / "a.py") == real


def test_the_root_is_the_nearest_project_but_never_above_the_folder(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert folders.root_of(tmp_path / "two" / "a.py") == tmp_path / "two"
    (tmp_path / "one" / "inner" / "deep" / "setup.cfg").touch()
    assert folders.root_of(tmp_path / "one" / "inner" / "deep" / "a.py") == tmp_path / "one" / "inner" / "deep"
    assert folders.root_of(tmp_path / "one" / "inner" / "a.py") == tmp_path / "one" / "inner"
    (tmp_path / "one" / "inner" / "deep" / "setup.cfg").unlink()
    assert folders.root_of(tmp_path / "one" / "inner" / "deep" / "a.py") == tmp_path / "one" / "inner"
    assert folders.root_of(tmp_path / "one-more" / "a.py") == tmp_path


def test_a_folder_that_is_a_package_belongs_to_the_project_above(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "two" / "__init__.py").touch()
    assert folders.root_of(tmp_path / "two" / "a.py") == tmp_path


def test_the_folders_of_older_clients(tmp_path: Path) -> None:
    def of(**values: object) -> tuple[Path, ...]:
        params = types.InitializeParams(types.ClientCapabilities(), **values)  # type: ignore[arg-type]
        return Folders.of(params).paths

    assert of(root_uri=tmp_path.as_uri()) == (tmp_path,)
    assert of(root_path=str(tmp_path)) == (tmp_path,)
    assert of() == ()
    assert of(workspace_folders=[types.WorkspaceFolder("untitled:x", "x")]) == ()
