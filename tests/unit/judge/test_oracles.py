"""Which assertions say something about behaviour."""

from __future__ import annotations

import pytest

from testwright.judge.oracles import weakness
from testwright.model import Candidate, Import, Raises

SOURCE = """\
def find(text):
    if not text:
        return None
    return text[0]

def log(text):
    print(text)

def walk(items):
    for item in items:
        yield item

class Cart:
    def add(self, price):
        def inner():
            return 1
        self.total = price
"""


def candidate(
    *asserts: str,
    target: str = "find",
    raises: Raises | None = None,
    warns: str | None = None,
    arrange: tuple[str, ...] = (),
) -> Candidate:
    imports = (Import("shop", "find"), Import("pytest"))
    return Candidate("c", target, "", arrange, "find('x')", "result", asserts, raises, warns, imports, (), "x")


@pytest.mark.parametrize(
    "assertion",
    [
        "result == 'x'",
        "result is True",
        "result is None",
        "not result",
        "result in ('x', 'y')",
        "result.total == 3",
        "len(result) == 0",
        "len(result) > 0",
        "len(result) >= 1",
        "result == pytest.approx(0.5)",
        "result.startswith('x')",
        "result['key']",
        "result != 'y'",
        "isinstance(result, str) and result == 'x'",
        "0 < result < 3",
        "items == [1]",
    ],
)
def test_real(assertion: str) -> None:
    assert weakness(candidate(assertion, arrange=("items = [1]",)), SOURCE) is None


@pytest.mark.parametrize(
    "assertion",
    [
        "result is not None",
        "result != None",
        "isinstance(result, str)",
        "not isinstance(result, int)",
        "issubclass(find, object)",
        "callable(result)",
        "hasattr(result, 'x')",
        "inspect.iscoroutine(result)",
        "True",
        "result",
        "result == result",
        "result.a is result.a",
        "len(result) >= 0",
        "len(result) > -1",
        "len(result) != -1",
        "0 <= len(result)",
        "type(result) is str",
        "result.__class__ == str",
        "1 == 1",
        "'a' in 'abc'",
        "isinstance(result, str) and result is not None",
        "result == 'x' or True",
        "unknown == 3",
    ],
)
def test_weak(assertion: str) -> None:
    assert weakness(candidate(assertion), SOURCE) == "it asserts nothing about what the code does"


@pytest.mark.parametrize(
    ("target", "is_real"), [("find", True), ("walk", True), ("log", False), ("Cart.add", False), ("Cart", False)]
)
def test_none_says_something_only_of_what_can_return_more(target: str, *, is_real: bool) -> None:
    assert (weakness(candidate("result is None", target=target), SOURCE) is None) is is_real


def test_none_is_taken_at_its_word_when_the_callable_is_not_found() -> None:
    assert weakness(candidate("result is None", target="elsewhere"), SOURCE) is None


@pytest.mark.parametrize(
    ("raises", "is_real"),
    [
        (Raises("ValueError"), True),
        (Raises("shop.Invalid"), True),
        (Raises("Exception"), False),
        (Raises("builtins.BaseException"), False),
        (Raises("Exception", "no such item"), True),
    ],
)
def test_an_exception_of_any_kind_is_none(raises: Raises, *, is_real: bool) -> None:
    assert (weakness(candidate(raises=raises), SOURCE) is None) is is_real


def test_a_warning_of_any_kind_is_none() -> None:
    assert weakness(candidate(warns="DeprecationWarning"), SOURCE) is None
    assert weakness(candidate(warns="Warning"), SOURCE) == "it asserts nothing"


def test_one_real_assertion_is_enough() -> None:
    assert weakness(candidate("result is not None", "result == 'x'"), SOURCE) is None
