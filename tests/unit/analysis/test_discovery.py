"""What is found for many modules at once: the same as for each by itself, and which of them can be tested."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testwright.analysis import modules as module
from testwright.analysis.buffers import Buffers
from testwright.analysis.discovery import FoundModule, LeftOut, discover
from testwright.analysis.modules import Evidence, name_in, name_module
from testwright.analysis.places import _is_close, _Survey, find_test_file, find_test_files
from testwright.analysis.project import read_project
from testwright.analysis.targets import find_workspace, resolve_target
from testwright.analysis.testfiles import TestFile
from testwright.analysis.walking import passed_over, python_files
from testwright.errors import TestwrightError

Tree = Callable[[Mapping[str, str | bytes]], Path]

FUNCTION = "def f(x: int) -> int:\n    return x\n"
FILES = {
    "pyproject.toml": '[project]\nname = "acme"\nversion = "0"\n',
    "src/acme/__init__.py": "",
    "src/acme/cart.py": FUNCTION,
    "src/acme/_order.py": FUNCTION,
    "src/acme/billing/__init__.py": FUNCTION,
    "src/acme/billing/cart.py": FUNCTION,
    "src/acme/shipping.py": FUNCTION,
    "src/acme/constants.py": "RATE = 3\n",
    "tools/cart.py": FUNCTION,
    "tests/test_cart.py": "from acme.cart import f\n\n\ndef test_f(): f(1)\n",
    "tests/test_billing_cart.py": "from acme.billing.cart import f\n\n\ndef test_f(): f(1)\n",
    "tests/test_shiping.py": "from acme import shipping\n\n\ndef test_f(): shipping.f(1)\n",
    "tests/integration/test_order.py": "from acme._order import f\n\n\ndef test_f(): f(1)\n",
    "tests/test_acme.py": "def test_nothing(): pass\n",
}


def test_the_test_files_of_many_modules_are_those_of_each(tree: Tree) -> None:
    root = tree(FILES)
    project = read_project(root)
    targets = [
        resolve_target(path, workspace=root, project=project)
        for path in python_files(root)
        if path.read_text(encoding="utf-8") == FUNCTION
    ]
    found = list(find_test_files(project, targets))
    assert found == [(target, find_test_file(project, target)) for target in targets]
    assert {target.module: test and test.name for target, test in found} == {
        "acme.cart": "test_cart.py",
        "acme.billing.cart": "test_billing_cart.py",
        "acme.shipping": "test_shiping.py",
        "acme._order": None,
        "acme.billing": None,
        "tools.cart": None,
    }


NAMES = st.text("abcdeä_0", min_size=1, max_size=24)


@given(NAMES, st.lists(NAMES, max_size=5))
@example("a" * 17 + "bcd", ["a" * 17 + "efg"])  # 17 of 20 letters are the same: a likeness of just 0.85
@example("a" * 20 + "b" * 3, ["a" * 17])  # 17 of 23 and 17: the same by their lengths
def test_no_likeness_is_missed_by_what_spares_the_comparison(name: str, others: list[str]) -> None:
    subjects = {*others, name[1:], name + "s", "x" + name, name[:-1] + "z", name.replace("a", "e")} - {"", name}
    tests = [TestFile(Path(f"/w/test_{subject}.py"), subject, "test_*.py") for subject in sorted(subjects)]
    found = _Survey(tests, (), Buffers()).named_alike({name})
    assert [test.subject for test in found] == [test.subject for test in tests if _is_close(test.subject, name)]


def test_the_names_of_many_modules_are_those_of_each(tree: Tree) -> None:
    root = tree({**FILES, "src/cli.py": "import src.acme\n", "tools/__init__.py": ""})
    project, evidence = read_project(root), Evidence(root)
    paths = list(python_files(root))
    assert [name_in(project, path, evidence) for path in paths] == [name_module(project, path) for path in paths]


def test_the_import_statements_of_a_workspace_are_read_once(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({**FILES, "other/pkg/__init__.py": "", "other/pkg/m.py": FUNCTION})
    read = module._imported_names
    times: list[Path] = []

    def counted(workspace: Path) -> Iterator[str]:
        times.append(workspace)
        return read(workspace)

    monkeypatch.setattr(module, "_imported_names", counted)
    project, evidence = read_project(root), Evidence(root)
    for path in python_files(root):
        name_in(project, path, evidence)
    assert times == [root]


# ------------------------------------------------------------------------------------------------ discovery


def found_in(root: Path, place: str, buffers: Buffers | None = None) -> dict[str, str]:
    """What is found at a place: names of modules, and reasons."""
    found = discover(root / place, root, find_workspace, buffers if buffers is not None else Buffers())
    return {
        one.path.relative_to(root).as_posix(): one.name if isinstance(one, FoundModule) else one.reason for one in found
    }


def said_by_a_run(root: Path, name: str) -> str:
    """A module's name, or why a run refuses it."""
    try:
        return resolve_target(root / name, workspace=root).module
    except TestwrightError as error:
        return error.message


def alike(one: str, other: str) -> bool:
    """Both say the same, a run with the whole path, and with the line of a syntax error."""
    return ("has a syntax error" in one and "has a syntax error" in other) or other.endswith(one)


def test_it_agrees_with_a_run_on_what_can_be_tested(tree: Tree) -> None:
    root = tree({**FILES, "src/acme/broken.py": "def f(:\n", "src/acme/empty.py": "# nothing\n", "a-b.py": FUNCTION})
    for name, said in found_in(root, ".").items():
        assert alike(said, said_by_a_run(root, name)), name


def test_folders_that_are_not_the_project_s_own_are_passed_over(tree: Tree) -> None:
    root = tree(
        {
            "pyproject.toml": "",
            "a.py": FUNCTION,
            "build/x.py": FUNCTION,
            ".hidden/x.py": FUNCTION,
            "env/pyvenv.cfg": "",
            "env/x.py": FUNCTION,
            "src/build/b.py": FUNCTION,
        }
    )
    (root / "link").symlink_to(root / "src")
    assert found_in(root, ".") == {"a.py": "a", "src/build/b.py": "build.b"}
    assert found_in(root, "src") == {"src/build/b.py": "build.b"}
    assert found_in(root, "src/build") == {"src/build/b.py": "build.b"}
    for place in ("build", ".hidden", "env", "link", "link/build"):
        (said,) = found_in(root, place).values()
        folder = place.partition("/")[0]
        assert (
            said
            == f"{folder} is hidden, a link, or holds installed or generated code, so no tests are written for what is in it."
        )
    assert found_in(root, "build/x.py") == {"build/x.py": "build.x"}, "a file that is named is wanted"


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("src/a.py", None),
        ("src", None),
        ("src/build/a.py", None),
        ("build/a.py", "build"),
        ("src/.git", "src/.git"),
        ("src/.git/deep/a.py", "src/.git"),
        (".a.py", None),
    ],
)
def test_why_a_walk_does_not_come_to_a_path(tmp_path: Path, path: str, folder: str | None) -> None:
    whole = tmp_path / path
    if whole.suffix == ".py":
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.touch()
    else:
        whole.mkdir(parents=True)
    assert passed_over(tmp_path, whole) == folder


def test_what_the_editor_holds_counts(tree: Tree) -> None:
    root = tree(FILES)
    buffers = Buffers({root / "src/acme/constants.py": FUNCTION, root / "src/acme/cart.py": "\n"})
    found = found_in(root, "src/acme", buffers)
    assert found["src/acme/constants.py"] == "acme.constants"
    assert found["src/acme/cart.py"] == "cart.py is empty: there is nothing to test."


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (found,) = discover(tmp_path / "pipe.py", tmp_path, lambda _: tmp_path, Buffers())
    assert found == LeftOut(tmp_path / "pipe.py", "pipe.py is not a regular file.")


def test_the_examples_are_python() -> None:
    for name, text in FILES.items():
        if name.endswith(".py"):
            ast.parse(text)
