"""Files as agents write them: each test of any form becomes a candidate, or has its reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.engines.openhands.reading import Reading, read_tests
from testwright.engines.openhands.rows import MOST_ROWS
from testwright.model import Import, Target

FILES = Path(__file__).parents[2] / "fixtures" / "agent_files"
SOURCE = (FILES / "shop.py").read_text(encoding="utf-8")
TARGET = Target(Path("/w"), Path("/w/shop.py"), "shop", Path("/w"), None, 1, SOURCE.count("\n"), SOURCE)
NAMES = ["plain", "parametrised", "classes", "unittest_style", "doubles", "asynchronous", "hostile"]


def text_of(name: str) -> str:
    return (FILES / f"{name}.py").read_text(encoding="utf-8")


def read(text: str, existing: str | None = None) -> Reading:
    return read_tests(text, TARGET, existing=existing)


def function_of(reading: Reading, name: str) -> str:
    found = [one.source.function for one in reading.candidates if one.source is not None and one.source.name == name]
    assert found, f"no candidate {name}"
    return found[0]


def reasons(reading: Reading) -> list[str]:
    return [one.reason for one in reading.refused]


@pytest.mark.parametrize(
    ("name", "tests", "refused"),
    [
        ("plain", {"test_total", "test_total_of_two", "test_save", "test_wrong"}, []),
        ("parametrised", {"test_convert_euro", "test_convert_other", "test_rejects"}, ["xfail", "judged one by one"]),
        (
            "classes",
            {
                *("test_total", "test_discount_above_total", "test_returns_itself", "test_keeps_the_name"),
                *("test_owner", "test_is_an_error"),
            },
            ["inherits from TestAdd"],
        ),
        ("unittest_style", {"test_total", "test_negative", "test_each", "test_convert"}, ["self.addCleanup"]),
        (
            "doubles",
            {
                *("test_rate", "test_rate_asks_for_the_currency", "test_show", "test_convert_uses_the_rate"),
                "test_only_calls",
            },
            [],
        ),
        (
            "asynchronous",
            {"test_fetch", "test_fetch_nothing", "test_fetch_by_run", "test_cart_of"},
            ["connection, which is an asynchronous fixture"],
        ),
    ],
)
def test_each_test_is_a_candidate_or_has_its_reason(name: str, tests: set[str], refused: list[str]) -> None:
    reading = read(text_of(name))
    assert {one.source.name for one in reading.candidates if one.source is not None} == tests
    assert len(reading.refused) == len(refused)
    assert all(any(words in reason for reason in reasons(reading)) for words in refused), reasons(reading)


def test_a_test_brings_what_it_uses_and_no_more() -> None:
    by_name = {one.source.name: one for one in read(text_of("plain")).candidates if one.source is not None}
    saved, two = by_name["test_save"], by_name["test_total_of_two"]
    assert saved.source is not None
    assert two.source is not None
    assert saved.source.support[0] == 'LAMP = ("Lamp", 10)'
    assert saved.source.support[1].startswith("@pytest.fixture\ndef cart():")
    assert "# one lamp" in saved.source.support[1]
    assert saved.fixtures == ("tmp_path",)
    assert saved.imports == (Import("shop", "Cart"), Import("pytest"))
    assert [part.partition("(")[0] for part in two.source.support] == ["def filled"]
    assert (saved.target, two.target) == ("Cart.save", "Cart.total")


def test_each_row_is_a_candidate() -> None:
    reading = read(text_of("parametrised"))
    rows = [
        (one.source.name, one.source.row, one.source.row_id) for one in reading.candidates if one.source is not None
    ]
    assert rows == [
        ("test_convert_euro", ("1", "1"), ""),
        ("test_convert_euro", ("0", "0"), ""),
        ("test_convert_euro", ("2", "3"), ""),
        ("test_convert_other", ("3", "'USD'"), ""),
        ("test_convert_other", ("5", "'USD'"), ""),
        ("test_rejects", ("1", "0", "'quantity'"), ""),
        ("test_rejects", ("-1", "1", "'price'"), ""),
    ]
    assert all(one.source is not None and one.source.uses == ("rates",) for one in reading.candidates)


def test_methods_become_functions() -> None:
    classes, unittests = read(text_of("classes")), read(text_of("unittest_style"))
    assert function_of(classes, "test_returns_itself") == (
        'def test_returns_itself(cart):\n    # so that calls can be chained\n    assert cart.add("x", 1) is cart'
    )
    assert "LIMIT = 7" in function_of(classes, "test_discount_above_total")
    assert "self" not in function_of(classes, "test_discount_above_total")
    negative = function_of(unittests, "test_negative")
    assert "with pytest.raises(ValueError) as caught:" in negative
    assert "assert 'negative' in str(caught.value)" in negative
    assert function_of(unittests, "test_convert").startswith("@mock.patch.object(shop, 'rate', return_value=3)\n")


def test_fixtures_of_one_name_in_two_classes_stay_apart() -> None:
    by_name = {one.source.name: one.source for one in read(text_of("classes")).candidates if one.source is not None}
    assert "'Bo'" in by_name["test_returns_itself"].support[0]
    assert "'Cy'" in by_name["test_owner"].support[0]


def test_an_asynchronous_test_needs_no_plug_in() -> None:
    text = function_of(read(text_of("asynchronous")), "test_fetch")
    assert text.startswith("def test_fetch(name):")
    assert "asyncio.run(scenario())" in text


def test_what_reaches_beyond_the_tests_is_left_out_and_told() -> None:
    reading = read(text_of("hostile"))
    assert [note for note in reading.notes if "pytest_plugins" in note]
    assert [note for note in reading.notes if "os.environ" in note]
    assert [note for note in reading.notes if "Pytest_runtest_logreport" in note or "pytest_runtest_logreport" in note]
    assert [note for note in reading.notes if "etup_module" in note]
    assert "it is marked skipif, so that it need not pass" in reasons(reading)
    texts = "\n".join(one.source.text for one in reading.candidates if one.source is not None)
    assert "pytest_runtest_logreport" not in texts
    assert "autouse" not in texts


def test_only_additions_count() -> None:
    before = "from shop import convert\n\n\ndef test_a():\n    assert convert(1, 'EUR') == 1\n\n\ndef test_b():\n    assert 1\n"
    after = (
        before.replace("== 1", "== 2")
        .replace("def test_b", "def test_c")
        .replace("assert 1", "assert convert(2, 'EUR') == 2")
    )
    reading = read(after, before)
    assert [one.source.name for one in reading.candidates if one.source is not None] == ["test_c"]
    assert reasons(reading) == [
        "it changes the test test_a, which was there before and stays as it was",
        "the test test_b, which was there before, is gone from the agent's file; it stays",
    ]
    assert read(before, before) == Reading()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def test_a(:\n", "the file was not read: it is no valid Python, line 1"),
        ("return 1\n", "the file was not read: it is no valid Python, line 1"),
        ("x = 1\0", "the file was not read: it is no valid Python"),
        ("x = " + "(" * 150 + "1" + ",)" * 150, "the file was not read: it is"),
        ("#" * (1024 * 1024 + 1), "the file was not read: it has more than"),
        ("", "the file holds no test function"),
        ("class Cart: ...\n", "the file holds no test function"),
        ("def test_a(*args): assert args\n", "it takes arguments that pytest does not give"),
        ("def test_a():\n    yield 1\n", "it is a generator"),
        ("def test_a(): pass\ndef test_a(): assert 1\n", "it never runs: another test of the same name"),
        ("import random\nrandom.seed(1)\n@random\ndef test_a(): assert 1\n", "its decorator random is none"),
        ("def test_a(): assert nowhere() == 1\n", "it uses the name nowhere, which nothing in the file defines"),
        (
            "N = 0\ndef f():\n    global N\n    N = 1\ndef test_a(): assert f() == 1\n",
            "it uses f, which changes variables",
        ),
        (
            "try:\n    import x\nexcept ImportError:\n    x = 1\ndef test_a(): assert x == 1\n",
            "it uses x, which comes from line 1",
        ),
        (
            "import pytest\n@pytest.mark.parametrize('a', range(1000))\ndef test_a(a): assert a\n",
            f"it has more than {MOST_ROWS} rows",
        ),
        (
            "import pytest\n@pytest.mark.parametrize('b', [1])\ndef test_a(a): assert a\n",
            "its parameter b is no argument",
        ),
        ("from .shop import Cart\ndef test_a(): assert Cart().total() == 0\n", "it uses Cart, which comes from line 1"),
    ],
)
def test_what_cannot_be_taken_over_has_its_reason(text: str, reason: str) -> None:
    reading = read(text)
    assert any(found.startswith(reason) for found in reasons(reading)), reasons(reading)
    assert all(one.source is not None and one.source.name == "test_a" for one in reading.candidates)


LINES = sorted({line for name in NAMES for line in text_of(name).splitlines()})


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(st.sampled_from(LINES), max_size=25).map("\n".join),
        st.tuples(st.sampled_from(NAMES).map(text_of), st.integers(0, 3000), st.integers(0, 60)).map(
            lambda parts: parts[0][: parts[1]] + parts[0][parts[1] + parts[2] :]
        ),
        st.tuples(st.sampled_from(NAMES).map(text_of), st.integers(0, 3000), st.text(max_size=5)).map(
            lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
        ),
    )
)
def test_any_text_gives_candidates_or_reasons(text: str) -> None:
    reading = read(text)
    assert reading.candidates or reading.refused
    for candidate in reading.candidates:
        assert candidate.source is not None
        for part in (*candidate.source.support, candidate.source.function, *candidate.source.row):
            ast.parse(part)
    assert read(text) == reading
