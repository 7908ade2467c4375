from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.analysis.places import check_writable_name
from testwright.errors import WriteRefused

Tree = Callable[[Mapping[str, str | bytes]], Path]


@pytest.mark.parametrize(
    "name",
    [
        "tests/test_cart.py",
        "test_cart.py",
        "tests/neu/größe/test_größe.py",
        "my tests/test_cart.py",
        "acme/cart_test.py",
        "tests/test_console.py",
        "tests/context/test_aux_data.py",
        "tests/build/test_x.py",
    ],
)
def test_places_for_test_files(tree: Tree, name: str) -> None:
    root = tree({"tests/": ""})
    check_writable_name(root / name, root)


BAD = [
    ("../test_x.py", "not inside the workspace"),
    ("tests/../../test_x.py", "not inside the workspace"),
    ("tests/../test_x.py", "not inside the workspace"),
    ("/etc/test_x.py", "not inside the workspace"),
    ("", "the workspace itself"),
    ("conftest.py", "because of its name"),
    ("tests/conftest.py", "because of its name"),
    ("tests/ConfTest.py", "because of its name"),
    ("tests/CONFTEST.PY", "does not end in .py"),
    ("tests/\uff43\uff4f\uff4e\uff46\uff54\uff45\uff53\uff54.py", "because of its name"),  # full-width letters
    ("tests/con\ufb05est.py", None),  # a ligature: not conftest, and not refused as such
    ("tests/\u017fetup.py", "because of its name"),  # the long s is an s without case
    ("tests/conf\u200btest.py", "invisible"),
    ("tests/conf\u202etest.py", "invisible"),
    ("tests/conftest.py\n", "invisible"),
    ("sitecustomize.py", "because of its name"),
    ("usercustomize.py", "because of its name"),
    ("setup.py", "because of its name"),
    ("noxfile.py", "because of its name"),
    ("tests/__init__.py", "because of its name"),
    ("tests/__main__.py", "because of its name"),
    ("acme/settings.py", "because of its name"),
    ("pytest.ini", "does not end in .py"),
    ("evil.pth", "does not end in .py"),
    ("pyproject.toml", "does not end in .py"),
    ("tests/test_x.pyc", "does not end in .py"),
    ("tests/test_x.PY", "does not end in .py"),
    ("tests/test_x", "does not end in .py"),
    (".vscode/test_x.py", "is hidden"),
    (".git/hooks/test_x.py", "is hidden"),
    ("tests/.test_x.py", "is hidden"),
    ("\uff0egit/test_x.py", "another spelling of a hidden name"),
    ("GIT~1/test_x.py", "short form"),
    ("tests/test_x.py.", "begins or ends with"),
    ("tests /test_x.py", "begins or ends with"),
    ("tests/ test_x.py", "begins or ends with"),
    ("tests/con.py", "device on Windows"),
    ("NUL/test_x.py", "device on Windows"),
    ("tests/Com1.test.py", "device on Windows"),
    ("tests/test_x.py:stream.py", "a meaning of its own"),
    ("tests\\test_x.py", "a meaning of its own"),
    ("tests/test*.py", "a meaning of its own"),
    ("node_modules/test_x.py", "holds no files of the project"),
    ("lib/site-packages/test_x.py", "holds no files of the project"),
    ("__PyCache__/test_x.py", "holds no files of the project"),
    ("env/lib/test_x.py", "is a virtual environment"),
    ("Tests/test_x.py", "tests is there already"),
    ("tests/Test_There.py", "test_there.py is there already"),
    ("tests/cafe\u0301/test_x.py", "is there already"),  # the accent as a letter of its own
    ("tests/test_there.py/test_x.py", "is not a folder"),
    ("tests/folder.py", "is not a regular file"),
    ("tests/pipe.py", "is not a regular file"),
    ("linked/test_x.py", "is a link"),
    ("tests/test_link.py", "is a link"),
    ("tests/test_dangling.py", "is a link"),
    ("tests/inside/test_x.py", "is a link"),
]


@pytest.mark.parametrize(("name", "told"), BAD, ids=[ascii(name) for name, _ in BAD])
def test_places_that_are_refused(tree: Tree, tmp_path: Path, name: str, told: str | None) -> None:
    root = tree(
        {
            "tests/test_there.py": "",
            "tests/folder.py/": "",
            "tests/caf\u00e9/": "",
            "tests/real/": "",
            "env/pyvenv.cfg": "",
        }
    )
    (tmp_path / "outside").mkdir()
    (root / "linked").symlink_to(tmp_path / "outside")
    (root / "tests/test_link.py").symlink_to("test_there.py")
    (root / "tests/test_dangling.py").symlink_to("gone.py")
    (root / "tests/inside").symlink_to("real")
    os.mkfifo(root / "tests/pipe.py")
    if told is None:
        check_writable_name(root / name, root)
        return
    with pytest.raises(WriteRefused) as caught:
        check_writable_name(Path(f"{root}/{name}") if not name.startswith("/") else Path(name), root)
    assert told in caught.value.message
    assert "--output" in caught.value.next_step


@given(st.text(min_size=1, max_size=12))
def test_whatever_the_name_what_is_let_pass_is_a_plain_python_file_inside(name: str) -> None:
    workspace = Path("/nowhere-that-exists")
    path = Path(f"{workspace}/tests/{name}.py")
    try:
        check_writable_name(path, workspace)
    except WriteRefused:
        return
    assert path.is_relative_to(workspace)
    assert ".." not in path.parts
    assert not any(part.startswith(".") for part in path.parts[2:])
    assert path.name.endswith(".py")
    assert path.name.casefold() not in ("conftest.py", "__init__.py", "setup.py")
    assert "\0" not in str(path)
