"""Mutants as values: what is made, what is left out, and that nothing but the one node changes."""

from __future__ import annotations
import __future__

import ast
import dataclasses
import inspect
import os
import statistics
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from testwright.inside import mutant_code, mutants
from testwright.inside.mutants import (
    MAX_PER_STATEMENT,
    OPERATORS,
    Compiler,
    Mutant,
    apply,
    enumerate_mutants,
    for_selection,
    held_out,
    sample,
)


def described(source: str) -> list[tuple[str, str]]:
    return [(mutant.operator, mutant.description) for mutant in enumerate_mutants(textwrap.dedent(source))]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("x = a < b", [("ROR", "a < b → a <= b"), ("ROR", "a < b → a >= b")]),
        ("x = a == b", [("ROR", "a == b → a != b")]),
        ("x = a is None", [("ROR", "a is None → a is not None")]),
        ("x = a in b", [("ROR", "a in b → a not in b")]),
        ("x = a + b", [("AOR", "a + b → a - b")]),
        ("x = a // b", [("AOR", "a // b → a / b")]),
        ("x = -a", [("AOD", "-a → a")]),
        ("x = a and b", [("LCR", "a and b → a or b")]),
        ("x = not a", [("COD", "not a → a")]),
        ("x = 3", [("CRP", "3 → 4"), ("CRP", "3 → 2")]),
        ("x = 0", [("CRP", "0 → 1")]),
        ("x = 1.5", [("CRP", "1.5 → 2.5")]),
        ("x = 1e300", [("CRP", "1e+300 → 5e+299")]),
        ("x = True", [("CRP", "True → False")]),
        ("x = 'text'", [("CRP", "'text' → 'XXtextXX'")]),
        ("x = b''", [("CRP", "b'' → b'XX'")]),
        ("x = a[b:c]", [("SIR", "b:c → :c"), ("SIR", "b:c → b:")]),
        ("x = a.lower()", [("MCR", "a.lower() → a.upper()")]),
        ("x = min(a)", [("MCR", "min(a) → max(a)")]),
        ("x = call(a, b)", [("ARS", "call(a, b) → call(b, a)")]),
        ("x = b if a else c", [("COI", "a → not a")]),
        ("x = [y for y in a if b]", [("COI", "b → not b")]),
        ("return a", [("RVR", "return a → return None")]),
        ("a.b = c", [("SDL", "a.b = c → pass")]),
        ("a[b] = c", [("SDL", "a[b] = c → pass")]),
        ("a = b", [("SDL", "a = b → pass")]),  # a parameter: without the statement the function still runs
        ("call(a)", [("SDL", "call(a) → pass")]),
        ("raise a", [("SDL", "raise a → pass")]),
        ("a += b", [("ASR", "a += b → a -= b"), ("SDL", "a += b → pass")]),
        ("yield a", [("RVR", "(yield a) → (yield None)")]),
        ("assert a", [("COI", "a → not a")]),
    ],
)
def test_each_operator(statement: str, expected: list[tuple[str, str]]) -> None:
    assert described(f"def f(a, b, c):\n    {statement}\n") == expected


def test_loops_and_conditions() -> None:
    source = """
    def f(a):
        while a:
            if a.b:
                break
            elif a > 1:
                continue
            a()
    """
    assert described(source) == [
        ("COI", "a → not a"),
        ("COI", "a.b → not a.b"),
        ("BCR", "break → continue"),
        ("SDL", "break → pass"),
        ("ROR", "a > 1 → a >= 1"),
        ("ROR", "a > 1 → a <= 1"),
        ("CRP", "1 → 2"),
        ("CRP", "1 → 0"),
        ("BCR", "continue → break"),
        ("SDL", "continue → pass"),
        ("SDL", "a() → pass"),
    ]


def test_cases_of_a_match() -> None:
    source = """
    def f(a):
        match a:
            case 1 if a.b:
                return a
    """
    found = enumerate_mutants(textwrap.dedent(source))
    assert [(mutant.description, mutant.line) for mutant in found] == [
        ("a.b → not a.b", 4),
        ("1 → 2", 4),
        ("1 → 0", 4),
        ("return a → return None", 5),
    ]


def test_handlers_and_their_bodies_belong_to_their_own_lines() -> None:
    source = textwrap.dedent(
        """
        def f(a):
            try:
                a()
            except (
                ValueError if a else KeyError
            ):
                a.b()
        """
    )
    assert [(mutant.description, mutant.line, mutant.end_line) for mutant in enumerate_mutants(source)] == [
        ("a() → pass", 4, 4),
        ("a → not a", 5, 6),
        ("a.b() → pass", 8, 8),
    ]


def test_a_statement_of_several_lines_is_one_place() -> None:
    source = "def f(a):\n    return call(\n        a,\n        0,\n    )\n"
    assert {(mutant.line, mutant.end_line) for mutant in enumerate_mutants(source)} == {(2, 5)}


@pytest.mark.parametrize(
    "source",
    [
        '"""Words."""\n',
        'def f():\n    """Words."""\n',
        "x: 'int | 3'\n",
        "def f(a: 'int', b: list[3]) -> 'str': ...\n",
        "__all__ = ['f']\n",
        "__version__ = '1.0'\n",
        "class A:\n    __slots__ = ('a', 'b')\n",
        "if TYPE_CHECKING:\n    x = 1\n",
        "if typing.TYPE_CHECKING:\n    x = 1\n",
        "if __name__ == '__main__':\n    main(1)\n",
        "T = TypeVar('T', bound='int')\n",
        "log = logging.getLogger('name')\n",
        "X = Literal['a', 'b']\n",
        "def f(a):\n    logger.debug('text %s', a)\n",
        "def f(a):\n    self._log.info('text %s', 3)\n",
        "@overload\ndef f(a=1): ...\n",
        "from __future__ import annotations\nimport os\n",
        "def f():\n    return None\n",
        "def f(a):\n    return None\n    a()\n",  # no byte code
    ],
)
def test_what_is_left_out(source: str) -> None:
    assert described(source) == []


def test_text_is_not_subtracted() -> None:
    assert described("def f(a):\n    x = 'b' + a\n    y = '%s' % a\n    z = a + f'{a}'\n") == [
        ("CRP", "'b' → 'XXbXX'"),
        ("CRP", "'%s' → 'XX%sXX'"),
    ]


def test_deleting_the_only_binding_of_a_name_is_no_mutant() -> None:
    assert described("def f(a):\n    x = a\n    y = a\n    y = x\n    return x, y\n") == [
        ("SDL", "y = a → pass"),
        ("SDL", "y = x → pass"),
        ("RVR", "return (x, y) → return None"),
    ]


def test_two_mutants_of_the_same_code_are_one() -> None:
    source = "def f(a):\n    return -1 if a else -a\n"
    every = enumerate_mutants(source, drop_equivalent=False)
    found = enumerate_mutants(source)
    signatures = [mutant_code.code_signature(Compiler(source).module(mutant)) for mutant in every]
    assert len(set(signatures)) == len(found)
    repeated = "def f():\n    while True:\n        return 1\n    return 2\n"
    assert len(enumerate_mutants(repeated)) < len(enumerate_mutants(repeated, drop_equivalent=False))


def test_names_lines_and_kinds_of_places() -> None:
    source = textwrap.dedent(
        """
        LIMIT = 1

        class Cart:
            unit = 2

            @decorated(3)
            def add(self, count=4):
                def inner():
                    return self
                return inner
        """
    )
    found = {(m.qualname, m.line, m.in_function) for m in enumerate_mutants(source)}
    assert found == {
        ("<module>", 2, False),
        ("Cart", 5, False),
        ("Cart", 7, False),  # decorators and defaults take effect when the class is made
        ("Cart.add.inner", 10, True),
        ("Cart.add", 11, True),
    }


def test_only_in_the_lines_that_are_asked_for() -> None:
    source = "def f():\n    return 1\n\n\ndef g():\n    return 2\n"
    assert {mutant.qualname for mutant in enumerate_mutants(source, 5, 6)} == {"g"}


def test_a_table_of_constants_is_not_a_thousand_mutants() -> None:
    source = f"TABLE = {list(range(1000))}\nOTHER = 1\n"
    found = enumerate_mutants(source)
    assert sum(mutant.line == 1 for mutant in found) == MAX_PER_STATEMENT
    assert sum(mutant.line == 2 for mutant in found) == 2


# -- over real sources -----------------------------------------------------------------------------------------------

REAL = [inspect.getsource(module) for module in (textwrap, dataclasses, statistics, mutants)]


@pytest.fixture(scope="module", params=range(len(REAL)))
def real(request: pytest.FixtureRequest) -> str:
    index: int = request.param
    return REAL[index]


def line_numbers(tree: ast.AST) -> list[tuple[str, int]]:
    """First lines of all statements but those that a mutant may replace."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.While, ast.With, ast.Try)
    return [(type(node).__name__, node.lineno) for node in ast.walk(tree) if isinstance(node, kinds)]


def test_no_line_shifts_and_the_original_stays(real: str) -> None:
    tree = ast.parse(real)
    before, lines = ast.dump(tree, include_attributes=True), line_numbers(tree)
    for mutant in enumerate_mutants(real)[::97]:
        mutated = apply(tree, mutant)
        assert line_numbers(mutated) == lines
        assert ast.dump(mutated) != ast.dump(tree)
        compile(mutated, "<mutant>", "exec")
        assert ast.dump(apply(real, mutant)) == ast.dump(mutated)
    assert ast.dump(tree, include_attributes=True) == before


def test_identifiers_are_unique_and_operators_known(real: str) -> None:
    found = enumerate_mutants(real, drop_equivalent=False)
    assert len({mutant.id for mutant in found}) == len(found) > 100
    assert {mutant.operator for mutant in found} <= set(OPERATORS)


def test_pieces_of_one_f_string_have_identifiers_of_their_own() -> None:
    found = enumerate_mutants("def f(a, b, c):\n    return f'{a}, {b}, {c}'\n", drop_equivalent=False)
    assert len({mutant.id for mutant in found}) == len(found) == 3


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def test_exchanged_code_is_that_of_the_whole_module(real: str) -> None:
    compiler = Compiler(real)
    original = {mutant_code.code_signature(code) for code in codes(compiler.module(None))}
    for mutant in [mutant for mutant in enumerate_mutants(real) if mutant.in_function][::31]:
        pairs = compiler.functions(mutant)
        whole = {mutant_code.code_signature(code) for code in codes(compiler.module(mutant))}
        assert pairs
        assert all(old.co_freevars == new.co_freevars for old, new in pairs)
        assert all(mutant_code.code_signature(old) in original for old, _ in pairs)
        assert all(mutant_code.code_signature(new) in whole for _, new in pairs)


def test_a_method_keeps_its_cell_when_super_goes() -> None:
    source = textwrap.dedent(
        """
        class A(B):
            def __init__(self):
                super().__init__()
                self.__x = 1
        """
    )
    mutant = next(m for m in enumerate_mutants(source) if m.description == "super().__init__() → pass")
    ((old, new),) = Compiler(source).functions(mutant)
    assert old.co_freevars == new.co_freevars == ("__class__",)
    assert "_A__x" in new.co_names


def test_future_statements_hold_in_the_pieces() -> None:
    source = "from __future__ import annotations\n\n\ndef f(a: 1 / 0):\n    return 1\n"
    compiler = Compiler(source)
    ((old, new),) = compiler.functions(enumerate_mutants(source)[0])
    whole = next(code for code in codes(compiler.module(None)) if code.co_name == "f")
    assert old.co_flags == new.co_flags == whole.co_flags
    assert old.co_flags & __future__.annotations.compiler_flag


# -- halves and samples ----------------------------------------------------------------------------------------------


def test_the_halves_are_apart_and_make_the_whole(real: str) -> None:
    found = enumerate_mutants(real)
    selecting, held = for_selection(found), held_out(found)
    assert {m.id for m in selecting}.isdisjoint(m.id for m in held)
    assert len(selecting) + len(held) == len(found)
    assert 0.4 < len(selecting) / len(found) < 0.6


def test_a_sample_is_even_over_the_functions_at_every_length(real: str) -> None:
    found = enumerate_mutants(real)
    sizes = {name: sum(m.qualname == name for m in found) for name in {m.qualname for m in found}}
    drawn = sample(found, 200, 1)
    assert len({m.id for m in drawn}) == len(drawn) == min(200, len(found))
    for length in (10, 50, 200):
        counts = {name: sum(m.qualname == name for m in drawn[:length]) for name in sizes}
        unexhausted = [count for name, count in counts.items() if count < sizes[name]]
        assert max(counts.values()) - min(unexhausted, default=max(counts.values())) <= 1
        assert sample(found, length, 1) == drawn[:length]


def test_another_seed_draws_another_sample(real: str) -> None:
    found = enumerate_mutants(real)
    assert sample(found, 50, 1) != sample(found, 50, 2)


def test_hash_seeds_change_nothing() -> None:
    program = (
        "import sys; from testwright.inside.mutants import *\n"
        "found = for_selection(enumerate_mutants(open(sys.argv[1]).read()))\n"
        "print([m.id for m in sample(found, 80, 3)])"
    )
    place = str(Path(mutants.__file__).parents[2])
    answers = {
        subprocess.run(
            [sys.executable, "-c", program, str(Path(textwrap.__file__))],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": place},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1


def test_a_mutant_can_be_told_from_another() -> None:
    first, second, *_ = enumerate_mutants("def f(a):\n    return a + 1\n")
    assert isinstance(first, Mutant)
    assert first != second
