from __future__ import annotations

import ast
from pathlib import Path

import mutants
import pytest
from mutants import sample_mutants, signature

SOURCE = '''\
"""Module text: 1 + 1."""
from __future__ import annotations
from typing import TYPE_CHECKING

LIMIT = 3 + 4

def clamp(value: int = 1, *, top: "str" = "x") -> int:
    """Say 'no' == it."""
    if (value
            > LIMIT):  # a comment
        return LIMIT
    return value + 1


class Box:
    size = 2

    def grow(self, by):
        self.size += by
        def inner():
            return not by
        return inner

    async def label(self):
        if TYPE_CHECKING:
            unused = 5
        return f"size {self.size + 2}"
'''


def changes(source: str) -> set[str]:
    return {mutant.change for mutant in sample_mutants(source, "m", limit=1000)}


def in_function(body: str) -> set[str]:
    return changes("def f(a, b):\n    " + body + "\n")


def test_only_what_stands_in_a_function_body_is_changed() -> None:
    lines = {mutant.line for mutant in sample_mutants(SOURCE, "m", limit=1000)}
    assert lines == {9, 11, 12, 19, 21, 22, 27}


def test_each_mutant_compiles_and_keeps_the_lines() -> None:
    original = SOURCE.splitlines()
    for mutant in sample_mutants(SOURCE, "m", limit=1000):
        ast.parse(mutant.source)
        lines = mutant.source.splitlines()
        assert len(lines) == len(original)
        differing = {number for number, (a, b) in enumerate(zip(original, lines, strict=True), 1) if a != b}
        assert differing <= {mutant.line, mutant.line + 1}


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ("return a < b", "a < b -> a <= b"),
        ("return a < b", "a < b -> a >= b"),
        ("return a < b < 3", "a < b < 3 -> a < b <= 3"),
        ("return a in b", "a in b -> a not in b"),
        ("return a * b", "a * b -> a + b"),
        ("a -= b; return a", "a -= b -> a += b"),
        ("a -= b; return a", "a -= b -> pass"),
        ("return a and b", "a and b -> a or b"),
        ("return not a", "not a -> a"),
        ("return -a", "-a -> a"),
        ("if a: print(b)", "a -> not (a)"),
        ("return [x for x in a if x]", "x -> not (x)"),
        ("return 7", "7 -> 8"),
        ("return 7", "7 -> 6"),
        ("return 7", "return 7 -> return None"),
        ("return True", "True -> False"),
        ("return 'text'", "'text' -> 'XXtextXX'"),
        ("return b'text'", "b'text' -> b'XXtextXX'"),
        ("return f'{a}'", "f'{a}' -> 'XX' f'{a}'"),
        ("raise ValueError(a)", "raise ValueError(a) -> pass"),
        ("a.x = b", "a.x = b -> pass"),
        ("c = b; return c", "c = b -> c = None"),
        ("a(b)", "a(b) -> pass"),
        ("while a: break", "break -> continue"),
        ("return a(b, a)", "a(b, a) -> a(a, b)"),
    ],
)
def test_an_operator(body: str, change: str) -> None:
    assert change in in_function(body)


def test_a_starred_argument_is_not_swapped() -> None:
    assert not any("*a" in change.partition("->")[2] for change in in_function("return b(*a, b)"))


def test_mutants_with_the_byte_code_of_the_original_are_left_out() -> None:
    # A bare constant is no instruction, whatever its value.
    assert in_function("7; return None") == set()


def test_mutants_with_the_same_byte_code_are_one() -> None:
    taken = sample_mutants("def f(a, b):\n    assert a is b\n    return a\n", "m", limit=1000)
    sources = [ast.dump(ast.parse(mutant.source)) for mutant in taken]
    assert len(sources) == len(set(sources))


def test_sets_are_the_same_in_any_order() -> None:
    # The two show themselves in different orders, since 0 and 8 share a slot.
    one, other = (f"def f(a):\n    return a in {{{items}}}\n" for items in ("0, 8, 16", "16, 8, 0"))
    assert signature(one) == signature(other)


def test_numbers_of_different_type_are_different_constants() -> None:
    signatures = {signature(f"def f():\n    return ({value}, 2)\n") for value in ("1", "1.0", "True")}
    assert len(signatures) == 3


def test_the_sample_is_fixed_by_its_seed() -> None:
    source = Path(mutants.__file__).read_text(encoding="utf-8")
    first = sample_mutants(source, "mutants", limit=20)
    assert first == sample_mutants(source, "mutants", limit=20)
    assert first != sample_mutants(source, "mutants", limit=20, seed=1)
    assert first != sample_mutants(source, "another", limit=20)


def test_the_sample_is_spread_evenly_over_the_functions() -> None:
    long = "def long(a):\n" + "".join(f"    a.append({number})\n" for number in range(100))
    short = "def short(a):\n    return a + 1\n"
    taken = sample_mutants(long + short, "m", limit=8)
    assert [mutant.function for mutant in taken].count("short") == 4
    assert len(taken) == 8


def test_positions_count_bytes_and_line_ends_stay() -> None:
    source = "def f(a):\r\n    return 'é' + (a < 1 and 'ü') # ä\r\n"
    taken = {mutant.change: mutant.source for mutant in sample_mutants(source, "m", limit=1000)}
    assert taken["a < 1 -> a <= 1"] == source.replace("a < 1", "(a <= 1)")


def test_methods_nested_functions_and_branches_are_named() -> None:
    names = {mutant.function for mutant in sample_mutants(SOURCE, "m", limit=1000)}
    assert names == {"clamp", "Box.grow", "Box.grow.<locals>.inner", "Box.label"}
