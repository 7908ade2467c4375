from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testwright.analysis.places import agree_place
from testwright.analysis.project import read_project
from testwright.analysis.targets import resolve_target
from testwright.errors import TargetError, TestwrightError, WriteFailure, WriteRefused
from testwright.model import TestPlace
from testwright.settings import Placement

Tree = Callable[[Mapping[str, str | bytes]], Path]

MODULE = "def run(text):\n    return text\n"
TEST = "def test_run():\n    assert True\n"


def importing(module: str) -> str:
    return f"from {module} import run\n\n\ndef test_run():\n    assert run(1) == 1\n"


def agree(
    root: Path, path: str, output: Path | None = None, *, placement: Placement = "auto", dry_run: bool = False
) -> TestPlace:
    target = resolve_target(root / path, workspace=root)
    return agree_place(read_project(root), target, output, placement=placement, dry_run=dry_run)


ACME = {
    "src/acme/__init__.py": "",
    "src/acme/cart.py": MODULE,
    "src/acme/billing/__init__.py": MODULE,
    "src/acme/billing/invoice.py": MODULE,
    "src/acme/billing/tax.py": MODULE,
    "src/acme/shop/__init__.py": "",
    "src/acme/shop/tax.py": MODULE,
    "src/acme/_parser.py": MODULE,
    "src/acme/__main__.py": MODULE,
}

INVOICE = "src/acme/billing/invoice.py"
TAX = "src/acme/billing/tax.py"

NEW: list[tuple[str, dict[str, str], str, str]] = [
    # without tests: tests/ mirrored, the package's own name dropped
    ("no tests", {}, INVOICE, "tests/billing/test_invoice.py"),
    ("no tests, top module", {}, "src/acme/cart.py", "tests/test_cart.py"),
    ("no tests, package", {}, "src/acme/billing/__init__.py", "tests/billing/test_billing.py"),
    ("no tests, private name", {}, "src/acme/_parser.py", "tests/test_parser.py"),
    ("no tests, main", {}, "src/acme/__main__.py", "tests/test_main.py"),
    ("a test folder of another name", {"test/": ""}, INVOICE, "test/billing/test_invoice.py"),
    ("a unit folder", {"tests/unit/": ""}, INVOICE, "tests/unit/billing/test_invoice.py"),
    ("testpaths", {"pytest.ini": "[pytest]\ntestpaths = checks\n"}, INVOICE, "checks/billing/test_invoice.py"),
    (
        "python_files",
        {"pytest.ini": "[pytest]\npython_files = check_*.py\n"},
        INVOICE,
        "tests/billing/check_invoice.py",
    ),
    # learned
    (
        "mirrored",
        {"tests/billing/test_tax.py": importing("acme.billing.tax")},
        INVOICE,
        "tests/billing/test_invoice.py",
    ),
    (
        "mirrored with the package",
        {"tests/acme/billing/test_tax.py": importing("acme.billing.tax")},
        INVOICE,
        "tests/acme/billing/test_invoice.py",
    ),
    (
        "mirrored with the package, another folder",
        {"tests/acme/billing/test_invoice.py": importing("acme.billing.invoice")},
        "src/acme/shop/tax.py",
        "tests/acme/shop/test_tax.py",
    ),
    (
        "mirrored in a folder of another name",
        {"tests/fast/billing/test_tax.py": importing("acme.billing.tax")},
        INVOICE,
        "tests/fast/billing/test_invoice.py",
    ),
    (
        "mirrored in a unit folder",
        {"tests/unit/billing/test_tax.py": importing("acme.billing.tax"), "tests/integration/test_all.py": TEST},
        INVOICE,
        "tests/unit/billing/test_invoice.py",
    ),
    ("flat", {"tests/test_invoice.py": importing("acme.billing.invoice")}, "src/acme/cart.py", "tests/test_cart.py"),
    (
        "flat and deep",
        {"tests/test_invoice.py": importing("acme.billing.invoice")},
        "src/acme/shop/tax.py",
        "tests/test_shop_tax.py",
    ),
    (
        "flat by habit",
        {f"tests/test_{name}.py": TEST for name in ("one", "two", "three")},
        INVOICE,
        "tests/test_invoice.py",
    ),
    (
        "two files are no habit",
        {f"tests/test_{name}.py": TEST for name in ("one", "two")},
        INVOICE,
        "tests/billing/test_invoice.py",
    ),
    (
        "beside",
        {"src/acme/billing/test_tax.py": importing("acme.billing.tax")},
        INVOICE,
        "src/acme/billing/test_invoice.py",
    ),
    (
        "beside, in a folder",
        {"src/acme/billing/tests/test_tax.py": importing("acme.billing.tax")},
        "src/acme/shop/tax.py",
        "src/acme/shop/tests/test_shop_tax.py",
    ),
    (
        "named by an ending",
        {"tests/billing/tax_test.py": importing("acme.billing.tax")},
        INVOICE,
        "tests/billing/invoice_test.py",
    ),
    (
        "the majority of names",
        {"tests/a_test.py": TEST, "tests/b_test.py": TEST, "tests/test_c.py": TEST},
        "src/acme/cart.py",
        "tests/cart_test.py",
    ),
    # a name that pytest would confuse with another
    (
        "a base name that is taken",
        {"tests/shop/test_tax.py": importing("acme.shop.tax")},
        TAX,
        "tests/billing/test_billing_tax.py",
    ),
    (
        "a base name that is taken, in packages",
        {
            "tests/__init__.py": "",
            "tests/shop/__init__.py": "",
            "tests/shop/test_tax.py": importing("acme.shop.tax"),
            "tests/billing/__init__.py": "",
        },
        TAX,
        "tests/billing/test_tax.py",
    ),
    (
        "a base name that is taken, with importlib",
        {
            "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n",
            "tests/shop/test_tax.py": importing("acme.shop.tax"),
        },
        TAX,
        "tests/billing/test_tax.py",
    ),
    # no new folder where it would need an __init__.py of its own
    (
        "test packages",
        {"tests/__init__.py": "", "tests/test_cart.py": importing("acme.cart")},
        INVOICE,
        "tests/test_invoice.py",
    ),
    (
        "test packages, two of a name",
        {"tests/__init__.py": "", "tests/test_cart.py": TEST},
        TAX,
        "tests/test_billing_tax.py",
    ),
    # a file of that name that is not this module's
    (
        "the test of another module of that name",
        {"tests/test_tax.py": importing("acme.shop.tax")},
        TAX,
        "tests/test_billing_tax.py",
    ),
    (
        "an integration test",
        {"tests/integration/test_cart.py": importing("acme.cart")},
        "src/acme/cart.py",
        "tests/test_acme_cart.py",
    ),
]


@pytest.mark.parametrize(("files", "path", "expected"), [row[1:] for row in NEW], ids=[row[0] for row in NEW])
def test_a_new_test_file_goes_where_the_project_keeps_its_tests(
    tree: Tree, files: dict[str, str], path: str, expected: str
) -> None:
    root = tree({**ACME, **files})
    place = agree(root, path)
    assert str(place.path.relative_to(root)) == expected
    assert (place.exists, place.digest, place.original) == (False, "", None)
    assert not place.path.exists()


FLAT = {f"tests/test_{name}.py": TEST for name in ("one", "two", "three")}
BESIDE = {"src/acme/billing/test_tax.py": importing("acme.billing.tax")}
BESIDE_IN_A_FOLDER = {"src/acme/billing/tests/test_tax.py": importing("acme.billing.tax")}
WITH_PACKAGE = {"tests/acme/billing/test_tax.py": importing("acme.billing.tax")}

PLACED: list[tuple[str, Placement, dict[str, str], str, str]] = [
    ("tests, without a habit", "tests", {}, INVOICE, "tests/billing/test_invoice.py"),
    ("tests, flat by habit", "tests", FLAT, INVOICE, "tests/billing/test_invoice.py"),
    ("tests, beside by habit", "tests", BESIDE, INVOICE, "tests/billing/test_invoice.py"),
    ("tests, in folders by habit", "tests", BESIDE_IN_A_FOLDER, INVOICE, "tests/billing/test_invoice.py"),
    ("tests, mirrored in a way of its own", "tests", WITH_PACKAGE, INVOICE, "tests/acme/billing/test_invoice.py"),
    (
        "tests, in a declared folder",
        "tests",
        {"pytest.ini": "[pytest]\ntestpaths = checks\n", **BESIDE},
        INVOICE,
        "checks/billing/test_invoice.py",
    ),
    (
        "tests, in the folder of a flat habit",
        "tests",
        {"checks/test_tax.py": importing("acme.billing.tax"), "checks/test_cart.py": importing("acme.cart")},
        INVOICE,
        "checks/billing/test_invoice.py",
    ),
    ("beside, without a habit", "beside", {}, INVOICE, "src/acme/billing/test_invoice.py"),
    ("beside, flat by habit", "beside", FLAT, INVOICE, "src/acme/billing/test_invoice.py"),
    ("beside, in folders by habit", "beside", BESIDE_IN_A_FOLDER, INVOICE, "src/acme/billing/test_invoice.py"),
    ("beside, package", "beside", {}, "src/acme/billing/__init__.py", "src/acme/billing/test_billing.py"),
    (
        "beside, named as the project names",
        "beside",
        {"tests/cart_test.py": importing("acme.cart")},
        INVOICE,
        "src/acme/billing/invoice_test.py",
    ),
    (
        "beside, of two modules of a name",
        "beside",
        {"src/acme/shop/test_tax.py": importing("acme.shop.tax")},
        TAX,
        "src/acme/billing/test_tax.py",
    ),
]


@pytest.mark.parametrize(
    ("placement", "files", "path", "expected"), [row[1:] for row in PLACED], ids=[row[0] for row in PLACED]
)
def test_the_user_may_want_another_place_for_new_test_files(
    tree: Tree, placement: Placement, files: dict[str, str], path: str, expected: str
) -> None:
    root = tree({**ACME, **files})
    place = agree(root, path, placement=placement)
    assert str(place.path.relative_to(root)) == expected
    assert not place.exists


@pytest.mark.parametrize("placement", ["tests", "beside"])
@pytest.mark.parametrize("path", ["tests/test_cart.py", "src/acme/test_cart.py"])
def test_the_wanted_place_makes_no_second_file_beside_the_one_that_there_is(
    tree: Tree, placement: Placement, path: str
) -> None:
    root = tree({**ACME, path: importing("acme.cart")})
    assert agree(root, "src/acme/cart.py", placement=placement).path == root / path


def test_the_named_place_is_stronger_than_the_wanted_one(tree: Tree) -> None:
    root = tree(ACME)
    named = root / "checks/test_shop.py"
    assert agree(root, "src/acme/cart.py", named, placement="beside").path == named


EXISTING: list[tuple[str, dict[str, str], str, str]] = [
    ("by name", {"tests/test_cart.py": TEST}, "src/acme/cart.py", "tests/test_cart.py"),
    ("by name, elsewhere", {"tests/old/stuff/test_cart.py": TEST}, "src/acme/cart.py", "tests/old/stuff/test_cart.py"),
    ("by an ending", {"tests/cart_test.py": TEST}, "src/acme/cart.py", "tests/cart_test.py"),
    ("beside", {"src/acme/test_cart.py": TEST}, "src/acme/cart.py", "src/acme/test_cart.py"),
    ("by a longer name", {"tests/test_billing_invoice.py": TEST}, INVOICE, "tests/test_billing_invoice.py"),
    ("private", {"tests/test__parser.py": TEST}, "src/acme/_parser.py", "tests/test__parser.py"),
    (
        "of the two that mirrors",
        {"tests/billing/test_tax.py": TEST, "tests/shop/test_tax.py": TEST},
        TAX,
        "tests/billing/test_tax.py",
    ),
    (
        "of the two that imports it",
        {"tests/a/test_tax.py": importing("acme.shop.tax"), "tests/b/test_tax.py": importing("acme.billing.tax")},
        TAX,
        "tests/b/test_tax.py",
    ),
    (
        "of the two in unit",
        {"tests/smoke/test_cart.py": importing("acme.cart"), "tests/unit/test_cart.py": importing("acme.cart")},
        "src/acme/cart.py",
        "tests/unit/test_cart.py",
    ),
    (
        "nearly by name, importing it",
        {"tests/test_invoices.py": importing("acme.billing.invoice")},
        INVOICE,
        "tests/test_invoices.py",
    ),
    (
        "imported from the package around",
        {"tests/test_tax.py": "from acme.billing import tax\n" + TEST},
        TAX,
        "tests/test_tax.py",
    ),
    (
        "by a relative import",
        {"src/acme/billing/tests/test_tax.py": "from ..tax import run\n" + TEST},
        TAX,
        "src/acme/billing/tests/test_tax.py",
    ),
    ("an empty one", {"tests/test_cart.py": ""}, "src/acme/cart.py", "tests/test_cart.py"),
]


@pytest.mark.parametrize(("files", "path", "expected"), [row[1:] for row in EXISTING], ids=[row[0] for row in EXISTING])
def test_the_test_file_that_a_module_has_is_taken(tree: Tree, files: dict[str, str], path: str, expected: str) -> None:
    root = tree({**ACME, **files})
    place = agree(root, path)
    assert str(place.path.relative_to(root)) == expected
    data = files[expected].encode()
    assert (place.exists, place.original) == (True, data)
    assert place.digest == hashlib.sha256(data).hexdigest()


def test_nearly_by_name_is_not_enough_without_the_import(tree: Tree) -> None:
    root = tree({**ACME, "tests/test_invoices.py": TEST})
    assert agree(root, INVOICE).path == root / "tests/billing/test_invoice.py"


def test_the_second_run_finds_what_the_first_wrote(tree: Tree) -> None:
    root = tree(ACME)
    for path in (INVOICE, TAX, "src/acme/shop/tax.py", "src/acme/_parser.py", "src/acme/billing/__init__.py"):
        module = resolve_target(root / path, workspace=root).module
        first = agree(root, path)
        first.path.parent.mkdir(parents=True, exist_ok=True)
        first.path.write_text(importing(module))
        second = agree(root, path)
        assert (second.path, second.exists) == (first.path, True)


def test_a_package_in_a_repository_of_several_keeps_its_own_tests(tree: Tree) -> None:
    root = tree(
        {
            "pyproject.toml": "",
            "packages/a/alpha/__init__.py": "",
            "packages/a/alpha/one.py": MODULE,
            "packages/a/tests/test_one.py": importing("alpha.one"),
            "packages/b/beta/__init__.py": "",
            "packages/b/beta/two.py": MODULE,
            "packages/b/beta/three.py": MODULE,
            "packages/b/tests/test_two.py": importing("beta.two"),
        }
    )
    assert agree(root, "packages/b/beta/three.py").path == root / "packages/b/tests/test_three.py"


# ------------------------------------------------------------------------------------------------ named by the user


def test_a_place_that_the_user_names(tree: Tree, tmp_path: Path) -> None:
    root = tree({**ACME, "tests/test_other.py": TEST})
    assert agree(root, "src/acme/cart.py", root / "checks/test_shop.py").path == root / "checks/test_shop.py"
    assert agree(root, "src/acme/cart.py", root / "tests/test_other.py").original == TEST.encode()
    (tmp_path / "alias").symlink_to(root)
    place = agree(root, "src/acme/cart.py", tmp_path / "alias/tests/test_shop.py")
    assert place.path == root / "tests/test_shop.py"


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("tests/conftest.py", "because of its name"),
        ("tests/shop.py", "pytest would not collect a file called shop.py"),
        ("tests", "is a folder"),
        ("src/acme/cart.py", "pytest would not collect"),
        ("../test_x.py", "not inside the workspace"),
        (".hidden/test_x.py", "is hidden"),
        ("src/acme/test_client.py", "holds no tests, so it is taken for a source file"),
        ("tests/test_link.py", "is a link"),
    ],
)
def test_a_place_that_the_user_names_and_may_not(tree: Tree, output: str, told: str) -> None:
    root = tree({**ACME, "tests/": "", "src/acme/test_client.py": "class Client:\n    pass\n"})
    (root / "tests/test_link.py").symlink_to("../src/acme/cart.py")
    with pytest.raises(WriteRefused) as caught:
        agree(root, "src/acme/cart.py", Path(f"{root}/{output}"))
    assert told in caught.value.message
    assert caught.value.next_step


def test_the_module_under_test_is_never_its_own_test_file(tree: Tree) -> None:
    root = tree({"pyproject.toml": "", "test_tool.py": MODULE})
    with pytest.raises(WriteRefused, match="is the module under test"):
        agree(root, "test_tool.py", root / "test_tool.py")


def test_a_link_in_the_place_of_the_test_file_is_refused(tree: Tree) -> None:
    root = tree({**ACME, "tests/": "", "elsewhere/": ""})
    (root / "tests/test_cart.py").symlink_to("../src/acme/cart.py")
    with pytest.raises(WriteRefused, match=r"test_cart\.py is a link"):
        agree(root, "src/acme/cart.py")
    (root / "tests/billing").symlink_to("../elsewhere")
    with pytest.raises(WriteRefused, match="billing is a link"):
        agree(root, INVOICE)


# ------------------------------------------------------------------------------------------------ what is there


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"def test_a():\n    assert (\n", "has a syntax error: '(' was never closed (line 2, column 12: assert ()"),
        (b"def test_a():\n    'caf\xe9'\n", "is not UTF-8 and declares no other encoding (line 2)"),
        (b"\0", "NUL byte"),
        (b"#" * (1024 * 1024 + 1), "larger than 1024 KiB"),
    ],
)
def test_a_broken_test_file_is_told_and_left_alone(tree: Tree, data: bytes, told: str) -> None:
    root = tree({**ACME, "tests/test_cart.py": data})
    with pytest.raises(TargetError) as caught:
        agree(root, "src/acme/cart.py")
    assert told in caught.value.message
    assert "test_cart.py" in caught.value.message
    assert (root / "tests/test_cart.py").read_bytes() == data


def test_bytes_are_kept_as_they_are(tree: Tree) -> None:
    data = b"# coding: latin-1\r\ndef test_a():\r\n    assert 'caf\xe9'\r\n"
    root = tree({**ACME, "tests/test_cart.py": data})
    assert agree(root, "src/acme/cart.py").original == data


@pytest.mark.parametrize(
    ("files", "read_only", "told"),
    [
        ({"tests/": ""}, "tests", "tests cannot be written to"),
        ({}, ".", "cannot be written to"),
        ({"tests/test_cart.py": TEST}, "tests/test_cart.py", "test_cart.py is read-only"),
    ],
)
def test_a_read_only_workspace_is_found_out_early(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], read_only: str, told: str
) -> None:
    root = tree({**ACME, **files})
    refused = root / read_only
    real = os.access

    def access(path: Path, mode: int) -> bool:  # as on a read-only file system, where root is refused as well
        return real(path, mode) and not (Path(path) == refused and mode & os.W_OK)

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(WriteFailure) as caught:
        agree(root, "src/acme/cart.py")
    assert told in caught.value.message
    assert "--dry-run" in caught.value.next_step
    assert isinstance(agree(root, "src/acme/cart.py", dry_run=True), TestPlace)


def test_every_refusal_is_an_error_of_ours(tree: Tree) -> None:
    root = tree({**ACME, "tests/test_cart.py/": ""})
    with pytest.raises(TestwrightError):
        agree(root, "src/acme/cart.py", root / "tests/test_cart.py")
