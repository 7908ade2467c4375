"""Whatever candidates come: the file compiles, holds each of them once, and a second run adds nothing."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testwright.model import Candidate, Import, Raises, Style, Target
from testwright.writing.compose import compose_test_file
from testwright.writing.render import render_candidates, render_suite

SOURCE = """\
class Cart:
    def __init__(self, owner): ...
    def add(self, name, quantity=1): ...
def parse(text, mode): ...
"""
TARGET = Target(Path("/w"), Path("/w/shop.py"), "shop", Path("/w"), None, 1, 4, SOURCE)

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 300),
        st.floats(allow_nan=False, allow_infinity=False, width=16),
        st.text(max_size=8),
        st.binary(max_size=3),
        st.sampled_from(["", " ", "a", "Hello World", "x" * 90, "a\nb" * 40, "(x)."]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
SOURCES = VALUES.map(repr) | st.sampled_from(
    ["Decimal('1.5')", "date(2024, 1, 2)", "Color.RED", "[x for x in 'ab']", "round"]
)
IMPORTS = (
    Import("shop"),
    Import("shop", "Cart"),
    Import("shop", "parse"),
    Import("decimal", "Decimal"),
    Import("datetime", "date"),
    Import("shop", "Color"),
)


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    target, act = draw(
        st.sampled_from(
            [
                ("parse", "parse({0}, {1})"),
                ("parse", "parse({0}, mode={1})"),
                ("parse", "shop.parse({0})"),
                ("Cart", "Cart({0})"),
                ("Cart.add", "cart.add({0}, {1})"),
                ("Cart.__add__", "cart + {0}"),
                ("round", "round({0})"),
                ("parse", "list(parse(text, {0}))"),
                ("parse", "parse({0})[{1}]"),
            ]
        )
    )
    values = [draw(SOURCES) for _ in range(5)]
    arrange: list[str] = []
    if "cart" in act:
        arrange.append(f"cart = Cart({values[4]})")
    if "text" in act:
        arrange.append(f"text = {values[4]}")
    raises = draw(
        st.none() | st.builds(Raises, st.sampled_from(["ValueError", "shop.Error"]), st.none() | st.text(max_size=9))
    )
    asserts = draw(
        st.lists(
            st.sampled_from(
                ["result == {2}", "result is None", "result.total == {3}", "len(result) == 2", "text == {2}", "cart"]
            ),
            min_size=1,
            max_size=3,
        )
    )
    return Candidate(
        id="",
        target=target,
        scenario=draw(st.sampled_from(["", "", "", "plain", "With words!", "test"])),
        arrange=tuple(arrange),
        act=act.format(*values),
        binds=draw(st.sampled_from(["result", "result", "value", None])),
        asserts=() if raises else tuple(one.format(*values) for one in asserts),
        raises=raises,
        warns=draw(st.sampled_from([None, None, None, "UserWarning"])),
        imports=(*IMPORTS, draw(st.sampled_from([Import("shop", "round"), Import("math")]))),
        fixtures=draw(st.sampled_from([(), (), ("tmp_path",), ("database",)])),
        origin="embedded:search",
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(candidates(), min_size=1, max_size=9))
def test_any_candidates(drawn: list[Candidate]) -> None:
    numbered = [replace(candidate, id=f"c{index}") for index, candidate in enumerate(drawn)]
    file = render_candidates(numbered, Style())
    compile(file.text, "<candidates>", "exec")
    kept = [candidate for candidate in numbered if candidate.id not in file.skipped]
    suite = render_suite(kept, TARGET, Style())
    assert sorted(one for test in suite.tests for one in test.candidates) == sorted(one.id for one in kept)
    composed = compose_test_file(kept, TARGET, Style())
    tree = ast.parse(composed.data)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert names == [test.name for test in suite.tests]
    assert len(set(names)) == len(names)
    for test in suite.tests:
        assert suite.candidates_of(f"x.py::{test.name}") == test.candidates
        assert len(test.rows) == len(test.row_ids) != 1
    again = compose_test_file(kept, TARGET, Style(), composed.data)
    assert again.suite.tests == ()
    assert again.data == composed.data
