"""Which kinds parameters get, and that what is drawn of a kind is of that kind."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable

import pytest

from testwright.inside.explore.kinds import ANY, BOOL, INT, NONE, PATH, STR, Kind
from testwright.inside.explore.program import Program
from testwright.inside.explore.subjects import Subject
from testwright.inside.explore.values import Values

Make = Callable[[str], Program]


def subject(program: Program, name: str) -> Subject:
    return next(one for one in program.subjects if one.qualname == name)


def kinds(program: Program, name: str = "f") -> list[list[str]]:
    return [[kind.name for kind in parameter.kinds] for parameter in subject(program, name).parameters]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("int", INT),
        ("'str | None'", Kind("union", (STR, NONE))),
        ("typing.Optional[bool]", Kind("union", (BOOL, NONE))),
        ("list[int]", Kind("list", (INT,))),
        ("dict[str, list[int]]", Kind("dict", (STR, Kind("list", (INT,))))),
        ("tuple[int, str]", Kind("fixed-tuple", (INT, STR))),
        ("tuple[int, ...]", Kind("tuple", (INT,))),
        ("typing.Literal['a', 2]", Kind("literal", values=("'a'", "2"))),
        ("typing.Callable[[int], str]", Kind("callable", (INT, STR), values=("typed",))),
        ("collections.abc.AsyncIterator[int]", Kind("async-iterator", (INT,))),
        ("typing.Annotated[int, 'x']", INT),
        ("pathlib.Path", PATH),
        ("UserId", INT),
        ("Movie", Kind("record", (STR, INT), values=("name", "year"))),
        ("T", Kind("union", (INT, STR))),
        ("Later", STR),
        ("decimal.Decimal", Kind("decimal")),
    ],
)
def test_annotations(program: Make, annotation: str, expected: Kind) -> None:
    made = program(
        "import collections.abc, decimal, pathlib, typing\n"
        "if typing.TYPE_CHECKING:\n    from string import Formatter\n    Later = str\n"
        "UserId = typing.NewType('UserId', int)\nT = typing.TypeVar('T', int, str)\n"
        "class Movie(typing.TypedDict):\n    name: str\n    year: int\n"
        "def f(x): return x\n"
    )
    # By their text, as under ``from __future__ import annotations``.
    assert made.hints.kind(annotation.strip("'")) == expected


@pytest.mark.parametrize(
    ("body", "parameter", "expected"),
    [
        ("return x.lower().strip()", "x", "str"),
        ("return x.append(1)", "x", "list"),
        ("return x(1, 2)", "x", "callable"),
        ("return [i + 1 for i in x]", "x", "iterable"),
        ("return x['a'] + x['b']", "x", "record"),
        ("return x.total_seconds()", "x", "timedelta"),
        ("return open(x)", "x", "path"),
        ("return x.price * x.amount", "x", "duck"),
        ("return 1 if x == 'big' else 2", "x", "str"),
        ("return x % 2 == 0", "x", "int"),
        ("return len(x)", "word", "str"),
        ("return 1 if isinstance(x, bytes) else 2", "x", "bytes"),
    ],
)
def test_unannotated_parameters_take_the_kind_of_their_use(
    program: Make, body: str, parameter: str, expected: str
) -> None:
    made = program(f"def f({parameter}):\n    {body.replace('x', parameter) if parameter != 'x' else body}\n")
    assert expected in kinds(made)[0][:2]


def test_a_default_and_a_callee_speak_for_a_parameter(program: Make) -> None:
    made = program("def g(text: str): return text\ndef f(a, b=3, c=True):\n    return g(a), b, c\n")
    found = kinds(made)
    assert "str" in found[0]
    assert found[1][0] == "int"
    assert found[2][0] == "bool"


def test_what_an_object_is_stored_as_is_looked_at_too(program: Make) -> None:
    made = program(
        "class Stream:\n"
        "    def __init__(self, msg):\n        self.msg = msg\n"
        "    def head(self):\n        return self.msg.headers.encode('utf8')\n"
    )
    shape = next(kind for kind in subject(made, "Stream").parameters[0].kinds if kind.name == "duck")
    assert shape.values == ("headers",)
    assert shape.args[0] == STR


def test_keywords_of_a_base_constructor_are_known(program: Make) -> None:
    made = program(
        "class Base:\n    def __init__(self, size: int, name: str = ''):\n        self.size = size\n"
        "class Child(Base):\n    def __init__(self, more: bool, **kwargs):\n        super().__init__(**kwargs)\n"
    )
    keywords = subject(made, "Child").parameters[1]
    assert keywords.keys == ["size", "name"]
    assert keywords.required_keys == ["size"]


def test_subjects_are_functions_classes_methods_properties_and_their_setters(program: Make) -> None:
    made = program(
        "import enum\n"
        "class A:\n"
        "    def __init__(self): self._x = 1\n"
        "    def m(self): return 1\n"
        "    @classmethod\n    def c(cls): return cls()\n"
        "    @staticmethod\n    def s(): return 2\n"
        "    @property\n    def p(self): return self._x\n"
        "    @p.setter\n    def p(self, value): self._x = value\n"
        "    def __len__(self): return 3\n"
        "def f(): return 1\n"
        "def _g(): return 2\n"
    )
    found = {(one.qualname, one.style, one.public) for one in made.subjects}
    assert found == {
        ("A", "class", True), ("A.m", "method", True), ("A.c", "classmethod", True), ("A.s", "staticmethod", True),
        ("A.p", "property", True), ("A.p", "setter", True), ("A.__len__", "method", True), ("f", "function", True),
        ("_g", "function", False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        (INT, (int,)),
        (STR, (str,)),
        (BOOL, (bool,)),
        (Kind("float"), (float,)),
        (Kind("bytes"), (bytes,)),
        (Kind("list", (INT,)), (list,)),
        (Kind("fixed-tuple", (INT, STR)), (tuple,)),
        (Kind("set", (INT,)), (set,)),
        (Kind("dict", (STR, INT)), (dict,)),
        (Kind("record", (STR,), values=("name",)), (dict,)),
        (Kind("union", (INT, NONE)), (int, type(None))),
    ],
)
def test_what_is_drawn_is_of_its_kind(program: Make, kind: Kind, types: tuple[type, ...]) -> None:
    values = Values(program("def f(text):\n    return text == 'needle' or 42\n"), random.Random(5))
    for _ in range(60):
        source = values.draw(kind, values.draft())
        if source != "set()":
            assert isinstance(ast.literal_eval(source), types)


def test_literals_of_the_module_are_drawn(program: Make) -> None:
    values = Values(program("def f(text):\n    return text == 'needle'\n"), random.Random(5))
    assert "needle" in {values.text() for _ in range(80)}


def test_a_path_is_always_in_the_scratch(program: Make) -> None:
    values = Values(program("def f(path):\n    return open(path)\n"), random.Random(5))
    for _ in range(30):
        draft = values.draft()
        source = values.draw(PATH, draft, "path")
        assert "tmp_path" in draft.statements[0]
        assert source in ("path", "str(path)")


def test_a_variable_hides_no_name_of_the_module(program: Make) -> None:
    values = Values(program("class wait_fixed:\n    def __call__(self): return 1\n"), random.Random(0))
    draft = values.draft()
    act = values.call(subject(values.program, "wait_fixed.__call__"), draft)
    assert act == "instance()"
    assert draft.statements == ["instance = wait_fixed()"]


def test_kinds_that_fail_are_drawn_less(program: Make) -> None:
    parameter = subject(program("def f(x):\n    return x + 1\n"), "f").parameters[0]
    before = parameter.weights[0]
    parameter.learn(0, good=False)
    assert parameter.weights[0] < before
    parameter.learn(0, good=True)
    parameter.learn(0, good=True)
    assert parameter.weights[0] > before
    assert ANY not in (INT, STR)
