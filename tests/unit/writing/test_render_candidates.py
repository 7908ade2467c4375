"""The file that the judge runs."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

import pytest

from testwright.model import Candidate, Import, Raises, Style
from testwright.writing.render import render_candidates

MakeCandidate = Callable[..., Candidate]


def functions(text: str) -> dict[str, str]:
    tree = ast.parse(text)
    return {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_candidate_is_a_function_of_its_own(whole_shop: list[Candidate]) -> None:
    rendered = render_candidates(whole_shop, Style())
    assert list(rendered.names.values()) == [candidate.id for candidate in whole_shop]
    assert list(functions(rendered.text)) == list(rendered.names)
    assert rendered.skipped == {}
    compile(rendered.text, "<candidates>", "exec")


def test_imports_of_one_cannot_shadow_names_of_another(make: MakeCandidate) -> None:
    mine = make("parse", "parse('1')", "result == 1", uses=(Import("shop.pricing", "parse"),))
    other = make("parse", "parse('1')", "result == 1", uses=(Import("json", "loads", "parse"),))
    rendered = functions(render_candidates([mine, other], Style()).text)
    assert rendered["test_c000"].splitlines()[1].strip() == "from shop.pricing import parse"
    assert rendered["test_c001"].splitlines()[1].strip() == "from json import loads as parse"


def test_collecting_the_file_imports_nothing_of_the_project(whole_shop: list[Candidate]) -> None:
    tree = ast.parse(render_candidates(whole_shop, Style()).text)
    top = [ast.unparse(node) for node in tree.body if not isinstance(node, ast.FunctionDef)]
    assert top[1:] == ["import re", "import pytest"]


def test_what_is_raised_and_warned(make: MakeCandidate) -> None:
    both = make(
        "load", "load('x')", "1 == 1", raises=("OSError", "no such file (x)"), warns="UserWarning", uses=("load",)
    )
    assert "with pytest.warns(UserWarning), pytest.raises(OSError, match=" in render_candidates([both], Style()).text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"act": "f("}, "The call is no valid Python"),
        ({"act": "x = 1"}, "The call is no single expression"),
        ({"act": "f(); g()"}, "The call is no single expression"),
        ({"act": "f('\0')"}, "The call is no valid Python"),
        ({"act": "(" * 2000 + ")" * 2000}, "The call is no valid Python"),
        ({"asserts": ("assert x",)}, "An assertion is no single expression"),
        ({"act": "+".join("a" * 200)}, "It is nested too deeply"),
        ({"arrange": ("return = 1",)}, "A statement is no valid Python"),
        ({"arrange": ("from os import *",)}, "It does not compile"),
        ({"arrange": ("nonlocal x",)}, "It does not compile"),
        ({"asserts": ("result is 1",)}, "It does not compile"),
        ({"raises": Raises("not a type")}, "The exception is no valid Python"),
        ({"fixtures": ("tmp path",)}, "The fixture name 'tmp path' is no identifier."),
        ({"fixtures": ("class",)}, "The fixture name 'class' is no identifier."),
        ({"act": "f(x)", "imports": (Import("a-b", "x"),)}, "'from a-b import x' is no import."),
    ],
)
def test_what_is_no_python_is_left_out_with_its_reason(
    make: MakeCandidate, change: dict[str, object], reason: str
) -> None:
    good = make("is_even", "is_even(2)", "result is True")
    bad = replace(make("is_even", "is_even(4)", "result is True"), **change)  # type: ignore[arg-type]
    rendered = render_candidates([bad, good], Style())
    assert list(rendered.names.values()) == [good.id]
    assert rendered.skipped[bad.id].startswith(reason)
