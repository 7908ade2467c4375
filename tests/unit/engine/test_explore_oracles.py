from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import pathlib
import re
import types
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from testwright.inside.explore.names import Names
from testwright.inside.explore.oracles import MAX_TEXT, Express, described, equality
from testwright.inside.explore.program import Program

SOURCE = """\
import dataclasses, enum

class Color(enum.Enum):
    RED = 1

@dataclasses.dataclass
class Point:
    x: int
    y: int = 0

class Version:
    def __init__(self, text):
        self.text = text
    def __eq__(self, other):
        return isinstance(other, Version) and self.text == other.text
    def __hash__(self):
        return hash(self.text)
    def __repr__(self):
        return f"<Version({self.text!r})>"

class Plain:
    def __init__(self):
        self.total = 3
        self.name = "x"
        self._secret = 1
"""


@pytest.fixture
def made(program: Callable[[str], Program]) -> Program:
    return program(SOURCE)


def evaluate(source: str, names: Names) -> Any:
    return eval(source, dict(names.objects))  # noqa: S307 - what we have just written ourselves


@pytest.mark.parametrize(
    "value",
    [
        None, True, 5, -1, 2.5, float("inf"), "text", "it's \"quoted\"\n", b"\x00a", [1, [2]], (1,), (), {1, 2}, set(),
        frozenset({3}), {"a": [1]}, range(3), dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC),
        dt.timedelta(days=1, seconds=2), Decimal("1.50"), pathlib.Path("a/b"), re.compile("a+"),
        collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1, 2]), int, len,
        types.SimpleNamespace(a=1),
    ],
    ids=repr,
)  # fmt: skip
def test_the_expression_of_a_value_equals_it(made: Program, value: Any) -> None:
    source = Express(made.names, None)(value)
    assert source is not None
    assert evaluate(source, made.names) == value


def test_objects_of_the_module_are_written_as_they_are_made(made: Program) -> None:
    express = Express(made.names, None)
    space = vars(made.module)
    assert express(space["Color"].RED) == "Color.RED"
    assert express(space["Point"](1)) == "Point(x=1)"
    assert express(space["Point"](1, 2)) == "Point(x=1, y=2)"
    assert express([space["Version"]("1.0")]) == "[Version('1.0')]"
    assert express(space["Plain"]()) is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(float("nan"), id="not a number"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("<object at 0x7f0011223344>", id="text of an address"),
        pytest.param(object(), id="object"),
        pytest.param("see <lambda>() for more", id="text of a lambda"),
    ],
)
def test_what_differs_from_run_to_run_has_no_expression(made: Program, value: Any) -> None:
    assert Express(made.names, None)(value) is None


def test_folders_of_this_machine_have_no_expression(made: Program) -> None:
    express = Express(made.names, None, ("/home/user",))
    assert express("/home/user/.config") is None
    assert express(pathlib.Path("/home/user/.config")) is None


def test_the_scratch_is_written_as_tmp_path(made: Program) -> None:
    express = Express(made.names, "/scratch/x")
    assert express("/scratch/x") == "str(tmp_path)"
    assert express("/scratch/x/a.txt") == "str(tmp_path / 'a.txt')"
    assert express(pathlib.Path("/scratch/x/a.txt")) == "tmp_path / 'a.txt'"
    assert express("read /scratch/x/a.txt {}") == "f'read {tmp_path}/a.txt {{}}'"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ["result is None"]),
        (True, ["result is True"]),
        (2.0, ["result == 2.0"]),
        (0.5, ["result == 0.5"]),
        (0.1, ["result == pytest.approx(0.1)"]),
        ([1, 0.1], ["result == pytest.approx([1, 0.1])"]),
        ("a", ["result == 'a'"]),
        (str, ["result is str"]),
    ],
)
def test_equality(made: Program, value: Any, expected: list[str]) -> None:
    assert equality("result", value, Express(made.names, None)) == expected


def test_a_long_value_is_told_by_its_length_and_ends(made: Program) -> None:
    lines = equality("result", "ab" * MAX_TEXT, Express(made.names, None))
    assert lines[0] == f"len(result) == {2 * MAX_TEXT}"
    assert all(len(line) < MAX_TEXT for line in lines)


def test_an_object_without_equality_is_told_by_its_public_attributes(made: Program) -> None:
    plain = vars(made.module)["Plain"]()
    assert described("result", plain, Express(made.names, None)) == ["result.total == 3", "result.name == 'x'"]


def test_an_enum_outside_any_module_has_no_expression(made: Program) -> None:
    local = enum.Enum("local", ["A"])
    assert Express(made.names, None)(local["A"]) is None


def test_a_dataclass_whose_fields_have_no_expression_has_none(made: Program) -> None:
    @dataclasses.dataclass
    class Local:
        x: int

    assert Express(made.names, None)(Local(1)) is None
