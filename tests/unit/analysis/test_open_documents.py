"""What an editor holds counts in place of what the disk has, under the same rules."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testwright.analysis.buffers import Buffers
from testwright.analysis.places import agree_place, find_test_file
from testwright.analysis.project import read_project
from testwright.analysis.targets import MAX_SOURCE_BYTES, resolve_target
from testwright.errors import TargetError, UsageError, WriteFailure, WriteRefused
from testwright.model import TestPlace

Tree = Callable[[Mapping[str, str | bytes]], Path]

SAVED = "def run(text):\n    return text\n"
OPEN = "def walk(text):\r\n    return text\r\n"
TEST = "from cart import run\n\n\ndef test_run():\n    assert run(1) == 1\n"


def agree(root: Path, path: str, buffers: dict[str, str], output: Path | None = None) -> TestPlace:
    held = {root / name: text for name, text in buffers.items()}
    target = resolve_target(root / path, workspace=root, buffers=held)
    return agree_place(read_project(root), target, output, buffers=held)


# ------------------------------------------------------------------------------------------------ bytes


@pytest.mark.parametrize(
    ("name", "text", "saved", "data"),
    [
        ("a.py", "x = 'é→'\r\n", b"", "x = 'é→'\r\n".encode()),
        ("a.py", "# -*- coding: latin-1 -*-\nx = 'é'\n", b"", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"),
        ("a.py", "#!/bin/python\n# coding=cp1252\nx = '€'\n", b"", b"#!/bin/python\n# coding=cp1252\nx = '\x80'\n"),
        ("a.py", "x = 1\ny = 2\n# coding: latin-1\nz = 'é'\n", b"", "x = 1\ny = 2\n# coding: latin-1\nz = 'é'\n".encode()),
        ("a.txt", "# coding: latin-1\né", b"", "# coding: latin-1\né".encode()),
        ("a.py", "x = 1\n", codecs.BOM_UTF8 + b"x = 2\n", codecs.BOM_UTF8 + b"x = 1\n"),
        ("a.py", "\ufeffx = 1\n", codecs.BOM_UTF8 + b"x = 2\n", codecs.BOM_UTF8 + b"x = 1\n"),
        ("a.py", "# coding: no-such\nx = 1\n", b"", b"# coding: no-such\nx = 1\n"),
        ("a.py", "# coding: rot13\nx = 1\n", b"", b"# coding: rot13\nx = 1\n"),
        ("a.py", "", b"x = 2\n", b""),
    ],
)  # fmt: skip
def test_a_document_has_the_bytes_that_it_would_be_saved_with(
    tree: Tree, name: str, text: str, saved: bytes, data: bytes
) -> None:
    root = tree({name: saved})
    assert Buffers({root / name: text}).data(root / name) == data


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# coding: latin-1\nx = 1\ny = '→'\n", r"iso-8859-1, its encoding, cannot hold \(line 3\)"),
        ("x = 1\ny = '\ud800'\n", r"utf-8, its encoding, cannot hold \(line 2\)"),
    ],
)
def test_text_that_has_no_bytes_is_an_error(tree: Tree, text: str, words: str) -> None:
    root = tree({})
    with pytest.raises(TargetError, match=words):
        resolve_target(root / "a.py", workspace=root, buffers={root / "a.py": text})


def test_documents_are_found_under_each_name_of_their_file(tree: Tree) -> None:
    root = tree({"real/a.py": SAVED, "b.py": SAVED})
    (root / "linked").symlink_to("real")
    (root / "link.py").symlink_to("b.py")
    # Whichever comes first: what is open under the file's own name is the document that is meant.
    own, link = (root / "b.py", "own"), (root / "link.py", "link")
    assert Buffers(dict([own, link]))[root / "b.py"] == Buffers(dict([link, own]))[root / "b.py"] == "own"
    buffers = Buffers(dict([own, link, (root / "linked" / "a.py", "through the folder")]))
    assert buffers[root / "real" / "a.py"] == "through the folder"
    assert buffers[root / "real" / ".." / "linked" / "a.py"] == "through the folder"
    assert buffers[root / "link.py"] == "own"
    assert len(buffers) == 2
    assert Buffers.of(buffers) is buffers
    assert root / "c.py" not in buffers
    assert buffers.data(root / "c.py") is None


# ------------------------------------------------------------------------------------------------ targets


def test_the_target_is_what_the_editor_holds(tree: Tree) -> None:
    root = tree({"cart.py": SAVED})
    target = resolve_target(root / "cart.py", symbol="walk", workspace=root, buffers={root / "cart.py": OPEN})
    assert (target.source, target.first_line, target.last_line) == (OPEN, 1, 2)
    with pytest.raises(UsageError, match="has no run"):
        resolve_target(root / "cart.py", symbol="run", workspace=root, buffers={root / "cart.py": OPEN})


def test_a_target_that_is_open_through_a_link(tree: Tree) -> None:
    root = tree({"real/cart.py": SAVED})
    (root / "linked").symlink_to("real")
    target = resolve_target(root / "real/cart.py", workspace=root, buffers={root / "linked/cart.py": OPEN})
    assert target.source == OPEN


def test_a_target_that_is_not_on_the_disk(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"pyproject.toml": ""})
    path = root / "src" / "shop" / "cart.py"
    target = resolve_target(path, buffers={path: OPEN})
    assert (target.workspace, target.path, target.source) == (root, path, OPEN)
    monkeypatch.chdir(root)
    assert resolve_target(Path("src/shop/cart.py"), workspace=root, buffers={path: OPEN}).path == path


@pytest.mark.parametrize(
    ("name", "text", "error", "words"),
    [
        ("cart.py", "def f(:\n    pass\n", TargetError, r"syntax error.*line 1"),
        ("cart.py", "x = 1\ny = '\0'\n", TargetError, r"NUL byte \(line 2\)"),
        ("cart.py", "# coding: no-such\n", TargetError, "encoding that Python does not know"),
        ("cart.py", "# coding: rot13\n", TargetError, "encoding that is none of text: rot13"),
        ("cart.py", "x = 1\n" * (MAX_SOURCE_BYTES // 6 + 1), TargetError, "larger than 1024 KiB"),
        ("cart.py", "", TargetError, "is empty"),
        ("test_cart.py", TEST, TargetError, "is a test file itself"),
        ("cart.txt", SAVED, UsageError, "is not a Python file"),
        ("folder", SAVED, UsageError, "is a folder"),
    ],
)
def test_documents_are_held_to_what_files_are_held_to(
    tree: Tree, name: str, text: str, error: type[Exception], words: str
) -> None:
    root = tree({"folder/": ""})
    with pytest.raises(error, match=words):
        resolve_target(root / name, workspace=root, buffers={root / name: text})


def test_a_file_on_the_disk_with_an_encoding_that_is_none_of_text_is_an_error(tree: Tree) -> None:
    root = tree({"cart.py": "# coding: rot13\nx = 1\n"})
    with pytest.raises(TargetError, match="encoding that is none of text"):
        resolve_target(root / "cart.py", workspace=root)


def test_a_document_outside_the_workspace_is_refused(tree: Tree, tmp_path: Path) -> None:
    root = tree({"pyproject.toml": ""})
    with pytest.raises(TargetError, match="not in the workspace"):
        resolve_target(tmp_path / "cart.py", workspace=root, buffers={tmp_path / "cart.py": OPEN})
    with pytest.raises(UsageError, match="does not exist"):
        resolve_target(root / "cart.py", workspace=root, buffers={tmp_path / "cart.py": OPEN})


# ------------------------------------------------------------------------------------------------ places


def test_the_original_is_the_document(tree: Tree) -> None:
    root = tree({"cart.py": SAVED, "tests/test_cart.py": codecs.BOM_UTF8 + TEST.encode()})
    unsaved = TEST.replace("\n", "\r\n") + "# é\r\n"
    place = agree(root, "cart.py", {"tests/test_cart.py": unsaved})
    data = codecs.BOM_UTF8 + unsaved.encode()
    digest = hashlib.sha256(data).hexdigest()
    assert place == TestPlace(root / "tests/test_cart.py", exists=True, digest=digest, original=data, in_editor=True)
    assert not agree(root, "cart.py", {"cart.py": SAVED}).in_editor


def test_a_test_file_that_was_never_saved_is_found_by_what_it_imports(tree: Tree) -> None:
    root = tree({"cart.py": SAVED, "tests/": ""})
    place = agree(
        root, "cart.py", {"tests/unit/test_cart_things.py": "import other\n", "tests/unit/test_carts.py": TEST}
    )
    assert (place.path, place.exists, place.in_editor) == (root / "tests/unit/test_carts.py", True, True)


def test_what_the_editor_holds_of_a_test_file_says_what_it_tests(tree: Tree) -> None:
    # On the disk, it does not import the module; two modules are called so.
    root = tree({"one/cart.py": SAVED, "two/cart.py": SAVED, "checks/test_cart.py": "def test_a():\n    assert 1\n"})
    held = {root / "checks/test_cart.py": "from two.cart import run\n\n\ndef test_run():\n    assert run\n"}
    target = resolve_target(root / "two/cart.py", workspace=root)
    project = read_project(root)
    assert find_test_file(project, target, buffers=held) == root / "checks/test_cart.py"
    assert find_test_file(project, target) is None


def test_a_name_that_an_unsaved_document_has_is_taken(tree: Tree) -> None:
    root = tree(
        {"pkg/cart.py": SAVED, "pkg/test_pay.py": "from pkg.pay import run\ndef test_a(): pass\n", "pkg/pay.py": SAVED}
    )
    free = agree(root, "pkg/cart.py", {})
    assert free.path == root / "pkg/test_cart.py"
    place = agree(root, "pkg/cart.py", {"pkg/test_cart.py": "x = 1\n"})
    assert place.path != free.path
    assert not place.exists


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("def test_a(:\n", TargetError, "syntax error.*line 1"),
        ("x = '\0'\n", TargetError, "NUL byte"),
        ("x = 1\n" * (MAX_SOURCE_BYTES // 6 + 1), TargetError, "larger than 1024 KiB"),
        ("x = '\ud800'\n", TargetError, "cannot hold"),
    ],
)
def test_a_test_document_is_held_to_what_a_test_file_is_held_to(
    tree: Tree, text: str, error: type[Exception], words: str
) -> None:
    root = tree({"cart.py": SAVED, "tests/test_cart.py": TEST})
    with pytest.raises(error, match=words):
        agree(root, "cart.py", {"tests/test_cart.py": text})


def test_a_document_that_holds_no_tests_is_taken_for_a_source(tree: Tree) -> None:
    root = tree({"cart.py": SAVED})
    with pytest.raises(WriteRefused, match="holds no tests"):
        agree(root, "cart.py", {"checks/test_it.py": "x = 1\n"}, root / "checks/test_it.py")


def test_a_document_whose_file_is_read_only_is_refused(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"cart.py": SAVED, "tests/test_cart.py": TEST})
    real = os.access

    def access(path: Path, mode: int) -> bool:  # as on a read-only file system, where root is refused as well
        return real(path, mode) and not (mode & os.W_OK and path == root / "tests/test_cart.py")

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(WriteFailure, match="read-only"):
        agree(root, "cart.py", {"tests/test_cart.py": TEST})
    # Of one that was never saved, only the folder matters.
    (root / "tests/test_cart.py").unlink()
    assert agree(root, "cart.py", {"tests/test_cart.py": TEST}).in_editor


@pytest.mark.parametrize(
    ("files", "buffers", "output", "found"),
    [
        ({"tests/test_cart.py": TEST}, {}, None, "tests/test_cart.py"),
        ({}, {"tests/test_cart.py": TEST}, None, "tests/test_cart.py"),
        ({"tests/test_cart.py": TEST}, {}, "tests/test_other.py", None),
        ({"tests/test_other.py": TEST}, {}, "tests/test_other.py", "tests/test_other.py"),
        ({}, {"tests/test_other.py": TEST}, "tests/test_other.py", "tests/test_other.py"),
        ({}, {}, None, None),
    ],
)
def test_the_test_file_of_a_module(
    tree: Tree, files: dict[str, str], buffers: dict[str, str], output: str | None, found: str | None
) -> None:
    root = tree({"cart.py": SAVED, **files})
    target = resolve_target(root / "cart.py", workspace=root)
    held = {root / name: text for name, text in buffers.items()}
    path = find_test_file(read_project(root), target, None if output is None else root / output, held)
    assert path == (None if found is None else root / found)
