from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testwright.analysis.targets import (
    callables_of,
    find_module_by_name,
    find_workspace,
    parse_request,
    resolve_target,
    syntax_failure,
)
from testwright.errors import TargetError, TestwrightError, UsageError

Tree = Callable[[Mapping[str, str | bytes]], Path]

CART = "class Cart:\n    def total(self):\n        return 1\n\n\ndef parse(text):\n    return text\n"


@pytest.mark.parametrize(
    ("text", "path", "symbol"),
    [
        ("src/cart.py", "src/cart.py", None),
        ("src/cart.py::Cart", "src/cart.py", "Cart"),
        ("src/cart.py::Cart.total", "src/cart.py", "Cart.total"),
        ("src/cart.py::Cart::total", "src/cart.py", "Cart.total"),
        ("we::ird/cart.py", "we::ird/cart.py", None),
        ("we::ird/cart.py::parse", "we::ird/cart.py", "parse"),
        ("my folder/größe.py::größe", "my folder/größe.py", "größe"),
        ("folder::f", "folder", "f"),
    ],
)
def test_a_request_is_a_path_and_a_symbol(text: str, path: str, symbol: str | None) -> None:
    request = parse_request(text)
    assert (str(request.path), request.symbol) == (path, symbol)


@pytest.mark.parametrize("text", ["", "::f", "cart.py::", "cart.py::a b", "cart.py::1", "cart.py::Cart.", "a\0b.py"])
def test_a_request_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_request(text)
    assert caught.value.next_step


# ------------------------------------------------------------------------------------------------ workspaces


@pytest.mark.parametrize(
    "marker", ["pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini", ".git/", "nested/pyproject.toml"]
)
def test_the_nearest_marker_makes_the_workspace(tree: Tree, marker: str) -> None:
    root = tree({marker: "", "pyproject.toml": "", "nested/pkg/mod.py": ""})
    expected = root / "nested" if marker.startswith("nested") else root
    assert find_workspace(root / "nested/pkg/mod.py") == expected
    assert find_workspace(root / "nested/pkg") == expected


def test_without_a_marker_it_is_the_folder_above_the_package(tree: Tree) -> None:
    root = tree({"a/pkg/__init__.py": "", "a/pkg/sub/__init__.py": "", "a/pkg/sub/mod.py": ""})
    assert find_workspace(root / "a/pkg/sub/mod.py") == root / "a"


def test_without_a_marker_the_folder_above_src(tree: Tree) -> None:
    root = tree({"src/pkg/__init__.py": "", "src/pkg/mod.py": ""})
    assert find_workspace(root / "src/pkg/mod.py") == root


def test_without_a_marker_the_current_folder_when_it_is_above(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"src/pkg/mod.py": ""})
    monkeypatch.chdir(root)
    assert find_workspace(Path("src/pkg/mod.py")) == root


def test_the_home_folder_is_no_workspace(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({".git/": "", "pkg/__init__.py": "", "projects/x/mod.py": ""})
    monkeypatch.setenv("HOME", str(root))
    assert find_workspace(root / "projects/x/mod.py") == root / "projects/x"


# ------------------------------------------------------------------------------------------------ good targets


def test_a_module_and_a_symbol(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "src/acme/__init__.py": "", "src/acme/cart.py": CART})
    target = resolve_target(root / "src/acme/cart.py")
    assert (target.workspace, target.module, target.import_root) == (root, "acme.cart", root / "src")
    assert (target.first_line, target.last_line, target.symbol) == (1, 7, None)
    assert target.source == CART
    assert [item.qualname for item in callables_of(target)] == ["Cart", "Cart.total", "parse"]

    method = resolve_target(root / "src/acme/cart.py", symbol="Cart.total")
    assert (method.first_line, method.last_line) == (2, 3)
    assert [item.qualname for item in callables_of(method)] == ["Cart.total"]
    assert [item.qualname for item in callables_of(resolve_target(target.path, symbol="Cart"))] == [
        "Cart",
        "Cart.total",
    ]


def test_a_path_with_spaces_and_letters_of_any_kind(tree: Tree) -> None:
    root = tree({"my wörk/pyproject.toml": "", "my wörk/größe.py": "def größe():\n    return 1\n"})
    target = resolve_target(root / "my wörk/größe.py", symbol="größe")
    assert target.module == "größe"
    assert target.workspace == root / "my wörk"


def test_a_relative_path_is_relative_to_the_current_folder_then_to_the_workspace(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(
        {"one/pyproject.toml": "", "one/cart.py": CART, "two/pyproject.toml": "", "two/cart.py": CART, "e/": ""}
    )
    monkeypatch.chdir(root / "one")
    assert resolve_target(Path("cart.py")).path == root / "one/cart.py"
    monkeypatch.chdir(root / "e")
    assert resolve_target(Path("cart.py"), workspace=root / "two").path == root / "two/cart.py"


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (b"def f():\r\n    return 1\r\n", "def f():\r\n    return 1\r\n"),
        (b"\xef\xbb\xbfdef f(): return 1\n", "def f(): return 1\n"),
        (b"# coding: latin-1\ndef f(): return '\xe9'\n", "# coding: latin-1\ndef f(): return '\xe9'\n"),
        (b"def f(): return '\\d'\n", "def f(): return '\\d'\n"),  # deserves a warning, and gets none
        (b"def f(): return 1", "def f(): return 1"),
    ],
)
def test_encodings_and_line_ends_stay_as_they_are(tree: Tree, data: bytes, source: str) -> None:
    root = tree({"pyproject.toml": "", "m.py": data})
    assert resolve_target(root / "m.py").source == source


def test_a_private_function_can_be_asked_for(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "m.py": "def _f():\n    return 1\n"})
    target = resolve_target(root / "m.py", symbol="_f")
    assert [item.qualname for item in callables_of(target)] == ["_f"]


def test_an_abstract_class_can_be_asked_for_when_it_has_something_to_call(tree: Tree) -> None:
    source = "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n    def g(self): return 1\n"
    root = tree({"pyproject.toml": "", "m.py": source})
    target = resolve_target(root / "m.py", symbol="A")
    assert (target.first_line, target.last_line) == (2, 5)
    assert [item.qualname for item in callables_of(target)] == ["A.g"]


def test_a_link_inside_the_workspace_is_followed(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "pkg/real.py": CART})
    (root / "alias.py").symlink_to("pkg/real.py")
    assert resolve_target(root / "alias.py").path == root / "pkg/real.py"


def test_a_workspace_behind_a_link_is_fine(tree: Tree, tmp_path: Path) -> None:
    root = tree({"pyproject.toml": "", "cart.py": CART})
    (tmp_path / "alias").symlink_to(root)
    target = resolve_target(tmp_path / "alias/cart.py")
    assert (target.workspace, target.path) == (root, root / "cart.py")


def test_a_module_whose_name_only_looks_like_a_test_is_a_target(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "pkg/test_client.py": "class Client:\n    def get(self): return 1\n"})
    assert resolve_target(root / "pkg/test_client.py").module == "pkg.test_client"


# ------------------------------------------------------------------------------------------------ bad input


BAD_FILES: list[tuple[str, str | bytes, type[TestwrightError], str]] = [
    ("notes.txt", "x", UsageError, "does not end in .py"),
    ("stub.pyi", "def f() -> int: ...\n", UsageError, "does not end in .py"),
    ("nul.py", b"x = 1\n\0\0", TargetError, "NUL byte (line 2)"),
    ("elf.py", b"\x7fELF\x02\x01\x01\0\0\0", TargetError, "NUL byte"),
    (
        "latin.py",
        b"def f():\n    pass\nx = 'caf\xe9'\n",
        TargetError,
        "not UTF-8 and declares no other encoding (line 3)",
    ),
    ("latin1.py", b"x = 'caf\xe9'\n", TargetError, "not UTF-8 and declares no other encoding (line 1)"),
    ("cookie.py", b"# coding: klingon\nx = 1\n", TargetError, "declares an encoding that Python does not know"),
    (
        "ascii.py",
        b"# coding: ascii\nx = 1\ny = '\xe9'\n",
        TargetError,
        "not in the encoding that it declares, ascii (line 3)",
    ),
    (
        "syntax.py",
        "x = 1\ndef f(:\n    pass\n",
        TargetError,
        "syntax error: invalid syntax (line 2, column 7: def f(:)",
    ),
    ("outside.py", "def f():\n    pass\n\nreturn 1\n", TargetError, "'return' outside function (line 4"),
    ("deep.py", "x = " + "(" * 5000 + ")" * 5000 + "\n", TargetError, "too many nested parentheses"),
    ("minus.py", "x = " + "-" * 100_000 + "1\n", TargetError, "too complex to parse"),
    ("empty.py", "", TargetError, "is empty: there is nothing to test"),
    ("comment.py", "# nothing\n", TargetError, "is empty"),
    ("constants.py", "A = 1\n", TargetError, "defines no public function or class: there is nothing to test"),
    (
        "types.py",
        "from typing import Protocol\nclass P(Protocol):\n    def f(self): ...\n",
        TargetError,
        "nothing to test",
    ),
    ("big.py", b"#" * (1024 * 1024 + 1), TargetError, "larger than 1024 KiB"),
    ("test_cart.py", "def test_total():\n    assert 1\n", TargetError, "is a test file itself"),
    ("conftest.py", "def helper():\n    return 1\n", TargetError, "is a test file itself"),
    ("my-module.py", "def f(): return 1\n", TargetError, "'my-module' is not a Python identifier"),
    ("class.py", "def f(): return 1\n", TargetError, "cannot be imported by name"),
]


@pytest.mark.parametrize(("name", "content", "error", "told"), BAD_FILES, ids=[row[0] for row in BAD_FILES])
def test_a_file_that_is_no_target_is_told_in_a_sentence(
    tree: Tree, name: str, content: str | bytes, error: type[TestwrightError], told: str
) -> None:
    root = tree({"pyproject.toml": "", name: content})
    with pytest.raises(TestwrightError) as caught:
        resolve_target(root / name)
    assert type(caught.value) is error
    assert told in caught.value.message
    assert name in caught.value.message
    assert caught.value.message.endswith(".")
    assert caught.value.next_step
    assert caught.value.exit_code == (2 if error is UsageError else 3)


def test_a_private_function_is_proposed_when_there_is_no_public_one(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "m.py": "def _f():\n    return 1\n"})
    with pytest.raises(TargetError, match="nothing to test") as caught:
        resolve_target(root / "m.py")
    assert "m.py::_f" in caught.value.next_step


@pytest.mark.parametrize(
    ("name", "told", "next_step"),
    [
        ("carts.py", "does not exist", "Did you mean cart.py?"),
        ("nowhere/cart.py", "does not exist", "There is no folder"),
        ("pkg", "is a folder", "pkg/inner.py"),
        ("dangling.py", "link to a file that does not exist", "Mend or remove"),
        ("pipe.py", "not a regular file", "Give a Python file"),
        ("cart.py/x.py", "does not exist", "Check the path"),
    ],
)
def test_a_path_that_is_no_file(tree: Tree, name: str, told: str, next_step: str) -> None:
    root = tree({"pyproject.toml": "", "cart.py": CART, "pkg/inner.py": ""})
    (root / "dangling.py").symlink_to("gone.py")
    os.mkfifo(root / "pipe.py")
    with pytest.raises(UsageError) as caught:
        resolve_target(root / name)
    assert told in caught.value.message
    assert next_step in caught.value.next_step


def test_a_link_out_of_the_workspace_is_refused(tree: Tree) -> None:
    root = tree({"ws/pyproject.toml": "", "other/cart.py": CART})
    (root / "ws/cart.py").symlink_to("../other/cart.py")
    (root / "ws/pkg").symlink_to("../other")
    for name in ("cart.py", "pkg/cart.py"):
        with pytest.raises(TargetError, match="link out of the workspace"):
            resolve_target(root / "ws" / name)


def test_a_file_outside_the_given_workspace_is_refused(tree: Tree) -> None:
    root = tree({"ws/pyproject.toml": "", "other/cart.py": CART})
    with pytest.raises(TargetError, match="is not in the workspace"):
        resolve_target(root / "other/cart.py", workspace=root / "ws")


def test_a_link_to_something_else_is_refused(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "secret.txt": "x"})
    (root / "m.py").symlink_to("secret.txt")
    with pytest.raises(TargetError, match=r"which is no \.py file"):
        resolve_target(root / "m.py")


def test_a_file_without_permission_is_told(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"pyproject.toml": "", "m.py": CART})

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # root, as whom this may run, can read every file
    with pytest.raises(TargetError, match="Permission denied"):
        resolve_target(root / "m.py")


@pytest.mark.parametrize(
    ("symbol", "message", "next_step"),
    [
        ("Cart.totl", "has no Cart.totl", "Did you mean Cart.total"),
        ("total", "has no total", "Did you mean Cart.total?"),
        ("zzz", "has no zzz", "Known there: Cart, Cart.total, parse"),
        ("RATE", "RATE in", "Name a function"),
        ("Shape", "only describes a shape", "Name a function"),
    ],
)
def test_an_unknown_symbol_is_told_with_near_names(tree: Tree, symbol: str, message: str, next_step: str) -> None:
    source = CART + "RATE = 1\nclass Shape(Protocol):\n    def f(self): ...\n"
    root = tree({"pyproject.toml": "", "cart.py": source})
    with pytest.raises(UsageError) as caught:
        resolve_target(root / "cart.py", symbol=symbol)
    assert message in caught.value.message
    assert next_step in caught.value.next_step


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("type Number = int", "3.12"),
        ("def first[T](items): pass", "3.12"),
        ("async def first[T](items): pass", "3.12"),
        ("class Box[T]: pass", "3.12"),
        ("x = t'{1}'", "3.14"),
        ("except ValueError, TypeError:", "3.14"),
    ],
)
def test_syntax_of_a_newer_python_is_said_to_be_that(line: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testwright.analysis.targets.sys.version_info", (3, 11, 0, "final", 0))
    failure = syntax_failure(Path("m.py"), line, SyntaxError("invalid syntax", ("m.py", 1, 1, line)))
    assert failure.message.startswith(f"m.py uses syntax of Python {version}, and Testwright runs on 3.11: ")
    assert version in failure.next_step


@pytest.mark.parametrize(
    "line", ["type = 1 2", "items[0] 1", "except (ValueError, TypeError) x:", "print 't'", "except ValueError, e:"]
)
def test_other_syntax_errors_are_not_taken_for_a_newer_python(line: str) -> None:
    failure = syntax_failure(Path("m.py"), line, SyntaxError("invalid syntax", ("m.py", 1, 1, line)))
    assert failure.message == f"m.py has a syntax error: invalid syntax (line 1, column 1: {line})."


# ------------------------------------------------------------------------------------------------ by name


def test_a_module_is_found_by_its_name(tree: Tree) -> None:
    root = tree(
        {
            "pyproject.toml": "",
            "src/acme/__init__.py": "",
            "src/acme/bridge.py": CART,
            "src/acme/cart.py": CART,
            "src/other/cart.py": CART,
            "tests/test_bridge.py": "",
            ".venv/lib/bridge.py": CART,
            "node_modules/bridge.py": CART,
        }
    )
    assert find_module_by_name(root, "bridge") == root / "src/acme/bridge.py"
    assert find_module_by_name(root, "acme.cart") == root / "src/acme/cart.py"
    assert find_module_by_name(root, "acme") == root / "src/acme/__init__.py"
    with pytest.raises(UsageError) as caught:
        find_module_by_name(root, "cart")
    assert caught.value.message == "2 modules are called cart: src/acme/cart.py, src/other/cart.py."
    with pytest.raises(UsageError, match="called brigde") as caught:
        find_module_by_name(root, "brigde")
    assert "bridge" in caught.value.next_step
    with pytest.raises(UsageError, match="is not a module's name"):
        find_module_by_name(root, "acme/cart.py")


def test_the_exact_dotted_name_wins_over_an_ending(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "cart.py": CART, "acme/__init__.py": "", "acme/cart.py": CART})
    assert find_module_by_name(root, "cart") == root / "cart.py"
