"""Whole test functions in a file: shared definitions once, names unique, comments kept, rows as far as they are kept."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from testwright.engines.openhands.reading import read_tests
from testwright.judge.salvage import unsafe_at_collection
from testwright.model import Candidate, Import, Style, Target
from testwright.writing.compose import UnusableTests, compose_test_file
from testwright.writing.raw_names import renamed
from testwright.writing.render import render_candidates, render_suite

FILES = Path(__file__).parents[2] / "fixtures" / "agent_files"
SOURCE = (FILES / "shop.py").read_text(encoding="utf-8")
TARGET = Target(Path("/w"), Path("/w/shop.py"), "shop", Path("/w"), None, 1, SOURCE.count("\n"), SOURCE)
NAMES = ["plain", "parametrised", "classes", "unittest_style", "doubles", "asynchronous", "hostile"]


def read(text: str, prefix: str = "o", existing: str | None = None) -> tuple[Candidate, ...]:
    return read_tests(text, TARGET, prefix=prefix, existing=existing).candidates


def composed(candidates: tuple[Candidate, ...], existing: str | None = None) -> str:
    original = None if existing is None else existing.encode()
    return compose_test_file(candidates, TARGET, Style(), original).data.decode()


def parts(text: str) -> list[str]:
    return sorted(ast.dump(node) for node in ast.parse(text).body)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_judge_runs_does_nothing_when_it_is_collected(name: str) -> None:
    candidates = read((FILES / f"{name}.py").read_text(encoding="utf-8"))
    file = render_candidates(candidates, Style())
    assert file.skipped == {}
    assert set(file.names.values()) == {one.id for one in candidates}
    assert unsafe_at_collection(file.text) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_ours_holds_nothing_new_when_it_is_read_again(name: str) -> None:
    candidates = read((FILES / f"{name}.py").read_text(encoding="utf-8"))
    text = composed(candidates)
    again = read(text, existing=text)
    assert again == ()
    # Read as if by another agent, it gives the same file, but for the order of definitions.
    assert parts(composed(read(text, "p"))) == parts(text)


def test_definitions_are_written_once_before_the_tests_and_only_those_that_are_used() -> None:
    text = composed(read((FILES / "plain.py").read_text(encoding="utf-8")))
    assert text.count("def cart():") == text.count("LAMP = ") == text.count("def filled(") == 1
    assert text.index("LAMP = ") < text.index("def cart():") < text.index("def test_")
    assert "# the lamp alone" in text
    assert "sys.path" not in text
    assert "import os" not in text
    only = composed(
        tuple(one for one in read((FILES / "plain.py").read_text(encoding="utf-8")) if "two" in str(one.source))
    )
    assert "LAMP" not in only
    assert "fixture" not in only


def test_rows_that_are_kept_stand_in_a_table_and_one_alone_in_the_test() -> None:
    candidates = read((FILES / "parametrised.py").read_text(encoding="utf-8"))
    euro, other = candidates[:2], candidates[3:4]
    suite = render_suite(euro, TARGET, Style())
    (table,) = suite.tests
    assert table.rows == (("o:000",), ("o:001",))
    assert table.row_ids == ("1-1", "0-0")
    assert suite.candidates_of("tests/test_shop.py::test_convert_euro[0-0]") == ("o:001",)
    text = composed(other)
    assert "parametrize" not in text
    assert '    """It is multiplied."""\n    amount = 3\n    currency = "USD"\n' in text
    assert "def test_convert_other():" in text


def test_two_rounds_with_helpers_of_one_name_get_each_its_own() -> None:
    first = "from shop import Cart\n\n\ndef cart():\n    return Cart('a')\n\n\ndef test_one():\n    assert cart().owner == 'a'\n"
    second = first.replace("'a'", "'b'").replace("one", "two")
    same = first.replace("test_one", "test_three").replace("owner ==", "owner !=")
    text = composed((*read(first, "1"), *read(second, "2"), *read(same, "3")))
    assert text.count("def cart():") == text.count("def cart_2():") == 1
    assert 'def test_two():\n    assert cart_2().owner == "b"' in text
    assert 'def test_three():\n    assert cart().owner != "a"' in text


def test_helpers_that_only_differ_in_what_they_use_are_not_one() -> None:
    first = "from shop import Cart\n\nN = 1\n\n\ndef f():\n    return Cart(N)\n\n\ndef test_one():\n    assert f().owner == 1\n"
    second = first.replace("N = 1", "N = 2").replace("one", "two").replace("== 1", "== 2")
    text = composed((*read(first, "1"), *read(second, "2")))
    assert "def f():\n    return Cart(N)" in text
    assert "def f_2():\n    return Cart(N_2)" in text


def test_names_of_tests_and_imports_give_way_to_those_that_are_there() -> None:
    existing = "from other import Cart\n\n\ndef test_total():\n    assert Cart().total() == 1\n"
    added = "from shop import Cart\n\n\ndef test_total():\n    # new\n    assert Cart().total() == 0\n"
    text = composed(read(added), existing)
    assert text.startswith("from other import Cart\n")
    assert "from shop import Cart as ShopCart" in text
    assert "def test_cart_total_total():\n    # new\n    assert ShopCart().total() == 0" in text
    ast.parse(text)


def test_a_definition_that_is_there_already_is_used() -> None:
    existing = "from shop import Cart\n\n\ndef cart():\n    return Cart('a')\n\n\ndef test_a():\n    assert cart().total() == 0\n"
    added = existing + "\n\ndef test_b():\n    assert cart().owner == 'a'\n"
    text = composed(read(added, existing=existing), existing)
    assert text == existing + '\n\ndef test_b():\n    assert cart().owner == "a"\n'


def test_a_fixture_does_not_take_the_name_of_one_that_others_use() -> None:
    existing = "def test_a(client):\n    assert client\n"
    added = "import pytest\nfrom shop import Cart\n\n\n@pytest.fixture\ndef client():\n    return Cart()\n\n\n@pytest.fixture\ndef tmp_path(client):\n    return client\n\n\ndef test_b(client, tmp_path):\n    assert client.total() == len(tmp_path.items)\n"
    text = composed(read(added), existing)
    assert "def client_2():" in text
    assert "def tmp_path_2(client_2):\n    return client_2" in text
    assert "def test_b(client_2, tmp_path_2):\n    assert client_2.total() == len(tmp_path_2.items)" in text


def test_tests_of_both_kinds_share_one_file() -> None:
    embedded = Candidate(
        "e", "convert", "", (), "convert(1, 'EUR')", "result", ("result == 1",), None, None,
        (Import("shop", "convert"),), (), "embedded:search",
    )  # fmt: skip
    raw = read("import shop\n\n\ndef test_convert():\n    assert shop.convert(2, 'EUR') == 2\n")
    suite = render_suite((embedded, *raw), TARGET, Style())
    names = {test.candidates: test.name for test in suite.tests}
    assert names == {("e",): "test_convert", ("o:000",): "test_convert_convert"}


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("x = f(1)  # f", {"f": "g"}, "x = g(1)  # f"),
        ("def f():\n    f = 1\n    return f", {"f": "g"}, "def g():\n    f = 1\n    return f"),
        ("def h(f):\n    return f", {"f": "g"}, "def h(f):\n    return f"),
        ("def h(f=f):\n    return [f for f in f]", {"f": "g"}, "def h(f=g):\n    return [f for f in f]"),
        (
            "class A:\n    f = 1\n    def m(self):\n        return f",
            {"f": "g", "A": "B"},
            "class B:\n    f = 1\n    def m(self):\n        return g",
        ),
        ("def h():\n    return k(f=f, é='é', f2=f)", {"f": "g"}, "def h():\n    return k(f=g, é='é', f2=g)"),
        ("def h():\n    return lambda f: f", {"f": "g"}, "def h():\n    return lambda f: f"),
    ],
)
def test_other_names_are_put_where_the_old_ones_are_looked_up(text: str, names: dict[str, str], expected: str) -> None:
    assert renamed(text, names) == expected


def test_names_in_f_strings_are_renamed_too() -> None:
    new = renamed("def h():\n    return f'{f(1)!r:>{f}} f'", {"f": "g"})
    assert ast.dump(ast.parse(new)) == ast.dump(ast.parse("def h():\n    return f'{g(1)!r:>{g}} f'"))


def test_a_definition_that_ruff_does_not_know_costs_only_its_tests() -> None:
    text = "from shop import Cart\n\n\ndef helper():\n    return Cart()\n\n\ndef test_a():\n    assert helper().total() == 0\n\n\ndef test_b():\n    assert Cart().total() == 0\n"
    first, second = read(text)
    assert first.source is not None
    helper = "def helper():\n    try:\n        return Cart()\n    except* ValueError:\n        raise"
    broken = replace(first, source=replace(first.source, support=(helper,)))
    with pytest.raises(UnusableTests) as caught:
        compose_test_file((broken, second), TARGET, Style(), python_version="3.10")
    assert set(caught.value.candidates) == {first.id}
