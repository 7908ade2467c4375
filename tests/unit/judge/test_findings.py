"""What is told of a test by its source, and above all what is not."""

from __future__ import annotations

import ast
import textwrap

import pytest

from testwright.judge.findings import findings
from testwright.judge.oracles import is_vacuous

HEAD = "import pytest\nimport json\nfrom unittest import mock\nfrom hypothesis import given\nimport shop.cart\n"
HEAD += "from shop.cart import Cart, total\nfrom elsewhere import settle\n"


def kinds(body: str, *tests: str, idle: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    """What is found in a file, as test, kind, and the source of the line."""
    source = HEAD + textwrap.dedent(body)
    names = tests or ("test_it",)
    found = findings(source, "shop.cart", names, idle)
    return [(item.test, item.kind, source.splitlines()[item.line - 1].strip()) for item in found]


NOTHING = {
    "a call": "def test_it():\n    total([1])\n",
    "a method": "def test_it():\n    cart = Cart()\n    cart.add(1)\n    cart.total()\n",
    "through the module": "def test_it():\n    shop.cart.total([1])\n",
    "built-in and library": "def test_it(tmp_path):\n    print(json.dumps(total([1])))\n    (tmp_path / 'a').write_text('b')\n",
    "parameters": "@pytest.mark.parametrize('one, other', [(1, 2)])\ndef test_it(one, other):\n    one.join(other)\n",
    "given": "@given(something)\ndef test_it(value):\n    total(value.items())\n",
    "patched": "@mock.patch('shop.cart.tax')\ndef test_it(tax):\n    tax.set(1)\n    total([])\n",
    "a helper": "def helper(cart):\n    cart.add(1)\n\ndef test_it():\n    helper(Cart())\n",
    "a fixture of the file": (
        "@pytest.fixture\ndef cart():\n    yield Cart()\n\ndef test_it(cart):\n    cart.add(1)\n"
    ),
    "asynchronous": "async def test_it():\n    await total([1])\n",
    "in a try": "def test_it():\n    try:\n        total(None)\n    except TypeError:\n        pass\n",
}


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING.keys())
def test_a_test_without_an_assertion_is_found(body: str) -> None:
    ((test, kind, line),) = kinds(body)
    assert (test, kind) == ("test_it", "no-assertion")
    assert "def test_it" in line


SOMETHING = {
    "assert": "def test_it():\n    assert total([1]) == 1\n",
    "raises": "def test_it():\n    with pytest.raises(ValueError):\n        total(None)\n",
    "any exception with a text": "def test_it():\n    with pytest.raises(Exception, match='x'):\n        total(None)\n",
    "any exception that is looked at": (
        "def test_it():\n    with pytest.raises(Exception) as info:\n        total(None)\n    settle(info)\n"
    ),
    "any exception and an assertion": (
        "def test_it():\n    with pytest.raises(Exception):\n        total(None)\n    assert total([]) == 0\n"
    ),
    "warns": "def test_it():\n    with pytest.warns(UserWarning):\n        total(None)\n",
    "fail": "def test_it():\n    if total([1]) != 1:\n        pytest.fail('no')\n",
    "raise": "def test_it():\n    if total([1]) != 1:\n        raise AssertionError\n",
    "from elsewhere": "def test_it():\n    settle(total([1]))\n",
    "an unknown fixture": "def test_it(desk):\n    desk.settle(total([1]))\n",
    "a name that tells": "def test_it():\n    cart = Cart()\n    cart.check_total(1)\n",
    "a helper that asserts": "def helper(value):\n    assert value\n\ndef test_it():\n    helper(total([1]))\n",
    "a fixture that asserts at its end": (
        "@pytest.fixture\ndef cart():\n    made = Cart()\n    yield made\n    assert made.total()\n\n"
        "def test_it(cart):\n    cart.add(1)\n"
    ),
    "an autouse fixture that asserts": (
        "@pytest.fixture(autouse=True)\ndef around():\n    yield\n    assert total([])\n\ndef test_it():\n    total([1])\n"
    ),
    "a decorator from elsewhere": "@settle\ndef test_it():\n    total([1])\n",
    "a mark that compares": "@pytest.mark.mpl_image_compare\ndef test_it():\n    return total([1])\n",
    "a comparison that is meant to raise": ("def test_it():\n    with pytest.raises(TypeError):\n        Cart() < 3\n"),
    "assert True where another branch fails": (
        "def test_it():\n    try:\n        total(None)\n    except TypeError:\n        assert True\n"
        "    else:\n        assert False\n"
    ),
    "a constant that is false": "def test_it():\n    assert False\n",
    "no such test": "def test_other():\n    total([1])\n",
}


@pytest.mark.parametrize("body", SOMETHING.values(), ids=SOMETHING.keys())
def test_what_is_not_certain_is_not_told(body: str) -> None:
    assert kinds(body) == []


CLASS = """\
    class TestCart({bases}):
        def {around}(self):
            {does}

        def fill(self):
            self.cart.add(1)

        def test_it(self):
            self.fill()
            self.cart.total()
"""


@pytest.mark.parametrize(
    ("bases", "around", "does", "expected"),
    [
        ("", "setup_method", "self.cart = Cart()", ["no-assertion"]),
        ("unittest.TestCase", "setUp", "self.cart = Cart()", ["no-assertion"]),
        ("unittest.TestCase", "tearDown", "self.cart = Cart(); assert self.cart", []),
        ("Base", "setUp", "self.cart = Cart()", []),
        ("", "setup_method", "self.cart = settle()", []),
        ("", "setup_method", "pass", []),
    ],
)
def test_methods_are_read_with_their_class(bases: str, around: str, does: str, expected: list[str]) -> None:
    body = textwrap.dedent(CLASS).format(bases=bases, around=around, does=does)
    assert [kind for _, kind, _ in kinds(body, "TestCart::test_it")] == expected


@pytest.mark.parametrize(
    "statement",
    [
        "assert True",
        "assert (total([1]) == 1, 'one')",
        "assert total([1]) == 1 or 2",
        "assert [total([1])]",
        "assert 'text'",
        "assert len(total([1])) >= 0",
        "assert lambda: total([1])",
    ],
)
def test_an_assertion_that_always_holds_is_found(statement: str) -> None:
    assert kinds(f"def test_it():\n    {statement}\n") == [("test_it", "constant-assertion", statement)]


def test_an_assertion_of_unittest_that_always_holds_is_found() -> None:
    body = "class TestCart:\n    def test_it(self):\n        total([1])\n        self.assertTrue('text')\n"
    assert kinds(body, "TestCart::test_it") == [("TestCart::test_it", "constant-assertion", "self.assertTrue('text')")]


@pytest.mark.parametrize("statement", ["total([1]) == 1", "return total([1]) == 1", "1 in total([1])"])
def test_a_comparison_that_is_not_asserted_is_found(statement: str) -> None:
    assert kinds(f"def test_it():\n    {statement}\n") == [("test_it", "unused-comparison", statement)]
    beside = f"def test_it():\n    assert total([]) == 0\n    for _ in range(3):\n        {statement}\n"
    assert kinds(beside) == [("test_it", "unused-comparison", statement)]


@pytest.mark.parametrize("call", ["pytest.raises(Exception)", "pytest.raises(BaseException)"])
def test_an_exception_of_any_kind_is_no_expectation(call: str) -> None:
    body = f"def test_it():\n    with {call}:\n        total(None)\n"
    assert kinds(body) == [("test_it", "any-exception", f"with {call}:")]


def test_a_test_that_another_takes_the_place_of_is_found() -> None:
    body = (
        "def test_it():\n    assert total([1]) == 1\n\n\n"
        "def test_it():\n    assert total([2]) == 2\n\n\n"
        "class TestCart:\n    @pytest.mark.slow\n    def test_it(self):\n        assert total([3]) == 3\n\n"
        "    def test_it(self):\n        assert total([4]) == 4\n"
    )
    found = findings(HEAD + body, "shop.cart", ["test_it", "TestCart::test_it"])
    head = HEAD.count("\n")
    assert [(item.test, item.kind, item.line - head) for item in found] == [
        ("test_it", "shadowed", 1),
        ("TestCart::test_it", "shadowed", 11),
    ]
    assert found[0].message == f"It never runs: the one of the same name in line {head + 5} takes its place."


def test_what_a_decorator_may_have_kept_is_not_shadowed() -> None:
    body = "@settle\ndef test_it():\n    assert total([1])\n\n@settle\ndef test_it():\n    assert total([2])\n"
    assert kinds(body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def test_it():\n    assert json.loads('1') == 1\n", ["runs-nothing"]),
        ("@pytest.fixture\ndef one():\n    return 1\n\ndef test_it(one):\n    assert one == 1\n", ["runs-nothing"]),
        ("def test_it():\n    assert total\n", []),
        ("def helper():\n    return shop\n\ndef test_it():\n    assert helper()\n", []),
        ("def test_it(client):\n    assert client.get('/') == 1\n", []),
        ("def test_it():\n    import subprocess\n    assert subprocess.run(['x'])\n", []),
        ("def test_it():\n    assert json.loads('python -m shop.cart')\n", []),
        ("from shop.cart import *\n\ndef test_it():\n    assert json.loads('1') == 1\n", []),
    ],
)
def test_a_test_of_something_else_is_found(body: str, expected: list[str]) -> None:
    assert [kind for _, kind, _ in kinds(body, idle=("test_it",))] == expected
    assert kinds(body) == []  # when it is not known to run nothing of the module


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import shop.cart", []),
        ("from shop import cart", []),
        ("from . import cart", []),
        ("from .cart import total", []),
        ("from src.shop.cart import total", []),
        ("from shop.basket import total as cart, total", ["runs-nothing"]),
    ],
)
def test_the_module_is_known_by_each_way_to_import_it(statement: str, expected: list[str]) -> None:
    source = f"{statement}\n\n\ndef test_it():\n    assert {{'shop': 1}}.get(cart if 1 else total)\n"
    source = source.replace("cart if 1 else total", "shop" if statement == "import shop.cart" else "total or cart")
    assert [item.kind for item in findings(source, "shop.cart", ["test_it"], ["test_it"])] == expected


@pytest.mark.parametrize("text", ["x", "x == 1", "x and 1", "f(x)", "0", "()", "[*x]", "{**x}", "len(x) > 0", "not x"])
def test_what_may_be_false_is_not_vacuous(text: str) -> None:
    assert not is_vacuous(ast.parse(text, mode="eval").body)


def test_a_file_that_is_no_python_is_told() -> None:
    with pytest.raises(SyntaxError):
        findings("def test_it(:\n", "shop.cart", ["test_it"])
