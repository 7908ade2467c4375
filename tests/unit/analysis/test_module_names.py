from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testwright.analysis.modules import module_path, name_module
from testwright.analysis.project import read_project
from testwright.errors import TargetError

Tree = Callable[[Mapping[str, str | bytes]], Path]

LAYOUTS: list[tuple[str, dict[str, str], str, str, str]] = [
    ("src layout", {"src/acme/__init__.py": "", "src/acme/cart.py": ""}, "src/acme/cart.py", "acme.cart", "src"),
    ("src layout without __init__", {"src/acme/cart.py": ""}, "src/acme/cart.py", "acme.cart", "src"),
    ("flat layout", {"acme/__init__.py": "", "acme/cart.py": ""}, "acme/cart.py", "acme.cart", "."),
    ("flat namespace package", {"acme/cart.py": ""}, "acme/cart.py", "acme.cart", "."),
    ("single module", {"cart.py": ""}, "cart.py", "cart", "."),
    ("package", {"acme/__init__.py": ""}, "acme/__init__.py", "acme", "."),
    ("main of a package", {"acme/__init__.py": "", "acme/__main__.py": ""}, "acme/__main__.py", "acme.__main__", "."),
    (
        "namespace around a package, in src",
        {"src/ns/acme/__init__.py": "", "src/ns/acme/cart.py": ""},
        "src/ns/acme/cart.py",
        "ns.acme.cart",
        "src",
    ),
    (
        "undeclared folder around a package",
        {"backend/app/__init__.py": "", "backend/app/main.py": ""},
        "backend/app/main.py",
        "app.main",
        "backend",
    ),
    (
        "undeclared folder around a package, imported with it",
        {
            "backend/app/__init__.py": "",
            "backend/app/main.py": "",
            "tests/test_main.py": "from backend.app.main import run\n",
        },
        "backend/app/main.py",
        "backend.app.main",
        ".",
    ),
    (
        "src imported by name",
        {"src/cart.py": "", "tests/test_cart.py": "from src.cart import parse\n"},
        "src/cart.py",
        "src.cart",
        ".",
    ),
    ("src that is a package", {"src/__init__.py": "", "src/cart.py": ""}, "src/cart.py", "src.cart", "."),
    (
        "src that is a package by mistake",
        {
            "src/__init__.py": "",
            "src/acme/__init__.py": "",
            "src/acme/cart.py": "",
            "tests/test_c.py": "import acme.cart\n",
        },
        "src/acme/cart.py",
        "acme.cart",
        "src",
    ),
    (
        "scripts that import each other",
        {"scripts/tool.py": "import helper\n", "scripts/helper.py": ""},
        "scripts/tool.py",
        "tool",
        "scripts",
    ),
    (
        "hyphen in a folder above",
        {"my-app/acme/__init__.py": "", "my-app/acme/c.py": ""},
        "my-app/acme/c.py",
        "acme.c",
        "my-app",
    ),
    ("hyphen in the only folder", {"my-app/cart.py": ""}, "my-app/cart.py", "cart", "my-app"),
    ("workspace that is a package", {"__init__.py": "", "cart.py": ""}, "cart.py", "cart", "."),
    (
        "pythonpath in pytest.ini",
        {"pytest.ini": "[pytest]\npythonpath = lib other\n", "lib/acme/cart.py": ""},
        "lib/acme/cart.py",
        "acme.cart",
        "lib",
    ),
    (
        "pythonpath in pyproject",
        {"pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["app"]\n', "app/acme/cart.py": ""},
        "app/acme/cart.py",
        "acme.cart",
        "app",
    ),
    (
        "where of setuptools",
        {"pyproject.toml": '[tool.setuptools.packages.find]\nwhere = ["python"]\n', "python/acme/cart.py": ""},
        "python/acme/cart.py",
        "acme.cart",
        "python",
    ),
    (
        "package-dir of setuptools",
        {"pyproject.toml": '[tool.setuptools.package-dir]\n"" = "lib"\n', "lib/acme/cart.py": ""},
        "lib/acme/cart.py",
        "acme.cart",
        "lib",
    ),
    (
        "package-dir of one package",
        {"pyproject.toml": '[tool.setuptools.package-dir]\nacme = "lib/acme"\n', "lib/acme/cart.py": ""},
        "lib/acme/cart.py",
        "acme.cart",
        "lib",
    ),
    (
        "package_dir in setup.cfg",
        {"setup.cfg": "[options]\npackage_dir =\n    = lib\n", "lib/acme/cart.py": ""},
        "lib/acme/cart.py",
        "acme.cart",
        "lib",
    ),
    (
        "where in setup.cfg",
        {"setup.cfg": "[options.packages.find]\nwhere = lib\n", "lib/acme/cart.py": ""},
        "lib/acme/cart.py",
        "acme.cart",
        "lib",
    ),
    (
        "packages of hatch",
        {"pyproject.toml": '[tool.hatch.build.targets.wheel]\npackages = ["server/acme"]\n', "server/acme/cart.py": ""},
        "server/acme/cart.py",
        "acme.cart",
        "server",
    ),
    (
        "from of poetry",
        {"pyproject.toml": '[[tool.poetry.packages]]\ninclude = "acme"\nfrom = "lib"\n', "lib/acme/cart.py": ""},
        "lib/acme/cart.py",
        "acme.cart",
        "lib",
    ),
    (
        "module-root of uv",
        {"pyproject.toml": '[tool.uv.build-backend]\nmodule-root = "lib"\n', "lib/acme/cart.py": ""},
        "lib/acme/cart.py",
        "acme.cart",
        "lib",
    ),
]


@pytest.mark.parametrize(
    ("files", "path", "dotted", "root"), [row[1:] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS]
)
def test_a_file_has_the_name_under_which_it_is_imported(
    tree: Tree, files: dict[str, str], path: str, dotted: str, root: str
) -> None:
    workspace = tree(files)
    name = name_module(read_project(workspace), workspace / path)
    assert (name.dotted, name.root) == (dotted, workspace / root)
    assert module_path(name.root, name.dotted) == workspace / path


@pytest.mark.parametrize("path", ["acme/my-cart.py", "acme/2fast.py", "acme/lambda.py", "__init__.py"])
def test_a_file_that_no_import_can_name(tree: Tree, path: str) -> None:
    workspace = tree({"acme/__init__.py": "", path: ""})
    with pytest.raises(TargetError) as caught:
        name_module(read_project(workspace), workspace / path)
    assert caught.value.next_step


def test_a_file_outside_of_the_workspace_has_no_name(tree: Tree) -> None:
    workspace = tree({"one/pyproject.toml": "", "one/cart.py": "", "two/cart.py": ""})
    project = read_project(workspace / "one")
    for path in (workspace / "two" / "cart.py", workspace / "cart.py", workspace / "one", Path("/cart.py")):
        with pytest.raises(TargetError, match="is not in the workspace"):
            name_module(project, path)


_PART = st.text(string.ascii_lowercase + "_", min_size=1, max_size=8).map(lambda text: "m" + text)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(_PART, min_size=1, max_size=4),
    root=st.sampled_from(["", "src", "lib"]),
    packages=st.integers(min_value=0, max_value=4),
    is_package=st.booleans(),
)
def test_from_a_name_to_a_file_and_back(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], root: str, packages: int, *, is_package: bool
) -> None:
    workspace = tmp_path_factory.mktemp("names").resolve()
    (workspace / "pytest.ini").write_text("[pytest]\npythonpath = lib\n" if root == "lib" else "[pytest]\n")
    base = workspace / root
    folder = base.joinpath(*parts) if is_package else base.joinpath(*parts[:-1])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "__init__.py" if is_package else folder / f"{parts[-1]}.py"
    path.touch()
    # regular packages from the inside out, as far as wanted: what is left is a namespace
    inner = path.parent
    for _ in range(packages):
        if inner == base:
            break
        (inner / "__init__.py").touch()
        inner = inner.parent
    name = name_module(read_project(workspace), path)
    assert module_path(name.root, name.dotted) == path
    assert workspace == name.root or workspace in name.root.parents
    if root:
        assert (name.dotted, name.root) == (".".join(parts), base)
