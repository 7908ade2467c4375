from __future__ import annotations

import json
import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from testwright.models import documents
from testwright.models.documents import MAX_DEPTH, read_document


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # PyYAML is built with libyaml or without; both must say the same.
    monkeypatch.setattr(documents, "_LOADER", getattr(yaml, request.param))


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read_document(text).problems]


def test_values_are_those_of_yaml_1_2() -> None:
    text = "yes: no\nday: 2026-06-30\nsixty: 1:30\noctal: 0o17\nempty:\nnull: ~\n"
    text += (
        "one: 1\nminus: -2\nhalf: .5\nfloat: 1e-3\non: true\noff: False\ntext: '1'\nquoted: \"true\"\nlist: [1, a]\n"
    )
    assert read_document(text).value == {
        "yes": "no",
        "day": "2026-06-30",
        "sixty": "1:30",
        "octal": "0o17",
        "empty": None,
        "null": None,
        "one": 1,
        "minus": -2,
        "half": 0.5,
        "float": 0.001,
        "on": True,
        "off": False,
        "text": "1",
        "quoted": "true",
        "list": [1, "a"],
    }


def test_what_is_no_finite_number_is_still_a_number() -> None:
    value = read_document("a: .nan\nb: -.inf\n").value
    assert isinstance(value, dict)
    assert math.isnan(value["a"])
    assert value["b"] == -math.inf


def test_each_place_has_its_line() -> None:
    document = read_document("version: 1\nmodels:\n  - name: a\n    tools:\n      true\n  - name: b\n")
    lines = {place: document.line_of(place) for place in document.lines}
    assert lines == {
        (): 1,
        ("version",): 1,
        ("models",): 2,
        ("models", 0): 3,
        ("models", 0, "name"): 3,
        ("models", 0, "tools"): 4,
        ("models", 1): 6,
        ("models", 1, "name"): 6,
    }
    assert document.line_of(("models", 1, "priority")) == 6
    assert document.line_of(("elsewhere",)) == 1


def test_an_empty_text_is_nothing() -> None:
    assert (read_document("").value, problems("")) == (None, [])
    assert (read_document("# only a comment\n").value, problems("")) == (None, [])


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", ["line 3: a is given a second time; the first is on line 1"], id="twice"),
        pytest.param(
            "a:\n  b: 1\n  b: 2\nc: 1\nc: 2\n",
            [
                "line 3: b is given a second time; the first is on line 2",
                "line 5: c is given a second time; the first is on line 4",
            ],
            id="twice, twice",
        ),
        pytest.param("a: 1\n\tb: 2\n", ["line 2: it is indented by a tab, which YAML does not allow; use spaces"], id="tab"),
        pytest.param("a: &x 1\n", ["line 1: &x is an anchor; a registry has none, so that each value stands in its line"], id="anchor"),
        pytest.param("&x a: 1\n", ["line 1: &x is an anchor; a registry has none, so that each value stands in its line"], id="anchor at a key"),
        pytest.param("a: 1\nb: *x\n", ["line 2: *x is an alias; write the value itself"], id="alias"),
        pytest.param(BOMB, ["line 1: &a is an anchor; a registry has none, so that each value stands in its line"], id="bomb"),
        pytest.param("a: !!python/name:os.system x\n", ["line 1: tag:yaml.org,2002:python/name:os.system is a tag; a registry has none"], id="tag"),
        pytest.param("? [a]\n: 1\n", ["line 1: a key must be text"], id="key"),
        pytest.param("a: 1\n---\nb: 2\n", ["line 2: a second document begins here, and a registry is one"], id="second document"),
        pytest.param("[" * 50, [f"line 1: this is nested more than {MAX_DEPTH} levels deep"], id="deep"),
        pytest.param("a: 1\nb: \x07\n", ["line 2: there is a character that YAML does not allow, '\\x07'"], id="bell"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, said: list[str]) -> None:
    assert problems(text) == said


@pytest.mark.parametrize("text", ["a: [1\n", "a: 'b\n", "a: b: c\n", "- a\nb: 1\n", "%YAML 9.9\n---\n", 'a: "\\q"\n'])
def test_what_is_no_yaml_is_told_once_in_one_line(text: str) -> None:
    (said,) = problems(text)
    assert ": it is not valid YAML" in said
    assert "\n" not in said


def test_eight_levels_are_read_and_nine_are_not() -> None:
    assert problems("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert len(problems("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))) == 1


def test_libyaml_may_say_first_that_it_is_too_deep() -> None:
    (said,) = problems("[" * 100_000)
    assert "nest" in said


@given(st.text())
@example("a: !")
@example("--- &\n")
@example("\ufeffa: 1")
@example("{? ? ")
@example("a: \x85b")
def test_no_text_makes_it_fail(text: str) -> None:
    document = read_document(text)
    assert all(1 <= problem.line <= len(text.splitlines()) + 2 for problem in document.problems)


printable = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp", "Zs")), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | printable,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((depth(one) for one in inner), default=0)


@given(values.filter(lambda value: depth(value) <= MAX_DEPTH))
def test_json_is_read_as_what_it_is(value: object) -> None:
    # What a provider lists is kept as JSON, and read as a registry.
    document = read_document(json.dumps(value, ensure_ascii=False, indent=1))
    assert document.problems == []
    assert document.value == value
