"""The file that stays: names, tables, imports, and whether a reviewer would take it as it is."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.python import IdMaker

from testwright.model import Candidate, Import, Style, Target
from testwright.writing.compose import UnusableTests, compose_test_file
from testwright.writing.existing import ExistingFile
from testwright.writing.render import RenderedSuite, render_suite

MakeCandidate = Callable[..., Candidate]
EXPECTED = Path(__file__).parent / "rendered"


def rendered(kept: list[Candidate], target: Target, style: Style | None = None) -> str:
    text = compose_test_file(kept, target, style or Style()).data.decode()
    compile(text, "<rendered>", "exec")
    return text


def body(text: str) -> str:
    """The file without its docstring and imports."""
    return text[text.index("\n\n\n") + 3 :]


def names(suite: RenderedSuite) -> list[str]:
    return [test.name for test in suite.tests]


def test_whole_file_reads_as_a_person_would_write_it(whole_shop: list[Candidate], shop: Target) -> None:
    assert rendered(whole_shop, shop) == (EXPECTED / "shop_pricing.txt").read_text("utf-8")


def test_style_of_the_project_is_kept(whole_shop: list[Candidate], shop: Target) -> None:
    style = Style(line_length=60, quote="single", indent=2)
    chosen = [candidate for candidate in whole_shop if candidate.target in {"render", "Cart.add", "slugify"}]
    assert rendered(chosen, shop, style) == (EXPECTED / "narrow_single_quotes.txt").read_text("utf-8")


def test_newlines_of_the_project_are_kept(whole_shop: list[Candidate], shop: Target) -> None:
    data = compose_test_file(whole_shop, shop, Style(newline="\r\n")).data
    assert data.count(b"\n") == data.count(b"\r\n") > 50


EXISTING = b"\xef\xbb\xbf# \x0c a form feed is no line end\r\nfrom shop import pricing\r\n\r\n\r\ndef test_old():\r\n    pass\r\n"


@pytest.mark.parametrize("original", [None, EXISTING], ids=["new", "existing"])
def test_it_is_known_where_each_test_stands(whole_shop: list[Candidate], shop: Target, original: bytes | None) -> None:
    composed = compose_test_file(whole_shop, shop, Style(), original)
    lines = composed.data.decode().split("\n")
    found = composed.lines()
    assert list(found) == names(composed.suite)
    assert {name: lines[line - 1].strip() for name, line in found.items()} == {
        name: next(text.strip() for text in lines if text.startswith((f"def {name}(", f"async def {name}(")))
        for name in found
    }


def test_order_of_candidates_does_not_change_the_order_of_targets(whole_shop: list[Candidate], shop: Target) -> None:
    targets = [test.target for test in render_suite(list(reversed(whole_shop)), shop, Style()).tests]
    assert list(dict.fromkeys(targets)) == [
        "Status",
        "Item",
        "Cart.add",
        "Cart.total",
        "Cart.__len__",
        "Cart.__add__",
        "Cart.parse",
        "slugify",
        "is_even",
        "load",
        "due",
        "round",
        "test_connection",
        "render",
        "fetch",
    ]


def test_each_candidate_is_found_again_in_the_file(whole_shop: list[Candidate], shop: Target) -> None:
    suite = render_suite(whole_shop, shop, Style())
    assert sorted(one for test in suite.tests for one in test.candidates) == sorted(one.id for one in whole_shop)
    again = render_suite(whole_shop, shop, Style(), existing=rendered(whole_shop, shop))
    assert again.tests == ()
    assert sorted(again.already_there) == sorted(one.id for one in whole_shop)


def test_symbol_is_named_in_the_docstring(make: MakeCandidate, shop: Target) -> None:
    text = rendered([make("is_even", "is_even(2)", "result is True")], replace(shop, symbol="is_even"))
    assert text.startswith('"""Tests for ``shop.pricing.is_even``."""\n')


def test_result_that_is_used_twice_keeps_its_name(make: MakeCandidate, shop: Target) -> None:
    text = rendered([make("slugify", "slugify('a')", "result == result.lower()")], shop)
    assert body(text) == 'def test_slugify():\n    result = slugify("a")\n    assert result == result.lower()\n'


def test_long_call_is_not_squeezed_into_the_assertion(make: MakeCandidate, shop: Target) -> None:
    text = rendered([make("slugify", f"slugify('{'x' * 50}')", f"result == '{'x' * 50}'")], shop)
    assert "    result = slugify(" in text
    assert max(map(len, text.splitlines())) <= 88


def test_result_that_nothing_looks_at_has_no_name(make: MakeCandidate, shop: Target) -> None:
    text = rendered([make("Cart.add", "cart.add('a')", "len(cart) == 1", arrange="cart = Cart('Ann')")], shop)
    assert '    cart.add("a")\n' in text


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("text is empty", 'match="text is empty"'),
        ("", 'match="^$"'),
        ("got (1)", r'match=r"got \(1\)"'),
        ('say "no".', "match=r'say \"no\"\\.'"),
        ("a\nb", r'match="a\nb"'),
        ("a\n(b)", r'match=re.escape("a\n(b)")'),
        ("C:\\temp", r'match=re.escape("C:\\temp")'),
        ("[({*+?})]", 'match=re.escape("[({*+?})]")'),
    ],
)
def test_message_is_a_pattern_that_can_be_read(make: MakeCandidate, shop: Target, message: str, pattern: str) -> None:
    text = rendered([make("load", "load('x')", raises=("OSError", message))], shop)
    assert f"    with pytest.raises(OSError, {pattern}):\n" in text
    assert ("import re\n" in text) == ("re.escape" in pattern)


def test_messages_in_a_table(make: MakeCandidate, shop: Target) -> None:
    plain = [make("load", f"load({name!r})", raises=("OSError", f"no {name}")) for name in "ab"]
    assert "match=message" in rendered(plain, shop)
    special = [make("load", f"load({name!r})", raises=("OSError", f"no {name}.")) for name in "ab"]
    assert "match=re.escape(message)" in rendered(special, shop)


def test_names_that_differ_in_meaning_get_aliases(make: MakeCandidate, shop: Target) -> None:
    kept = [
        make("render", "render(loads('[]'))", "result == ''", uses=("render", Import("json", "loads"))),
        make("load", "load(loads('x'))", "result == []", uses=("load", Import("shop.toml", "loads"))),
        make("load", "load(toml.loads('y'))", "result == [1]", uses=("load", Import("shop.toml"), Import("toml"))),
    ]
    text = rendered(kept, shop)
    assert "from json import loads\n" in text or "from shop.toml import loads\n" in text
    assert "as toml_loads" in text or "as json_loads" in text
    assert ExistingFile.of(text).tests


def test_two_packages_of_one_name(make: MakeCandidate, shop: Target) -> None:
    kept = [
        make("load", "shop.pricing.load('x')", "result == []", uses=(Import("shop.pricing"),)),
        make("load", "shop('y')", "result == [1]", uses=(Import("web", "shop"),)),
    ]
    text = rendered(kept, shop)
    assert 'assert shop.pricing.load("x") == []' in text
    assert "from web import shop as web_shop\n" in text
    assert 'assert web_shop("y") == [1]' in text


def test_builtin_that_a_test_uses_is_not_shadowed(make: MakeCandidate, shop: Target) -> None:
    kept = [
        make("round", "round(1.25, 1)", "result == 1.3"),
        make("due", "due(round(1.5))", "result == 3"),
    ]
    text = rendered(kept, shop)
    assert "from shop.pricing import round as pricing_round\n" in text
    assert "assert pricing_round(1.25, 1) == 1.3" in text
    assert "assert due(round(1.5)) == 3" in text


def test_builtin_that_no_test_uses_may_be_named(make: MakeCandidate, shop: Target) -> None:
    text = rendered([make("round", "round(1.25, 1)", "result == 1.3")], shop)
    assert "from shop.pricing import round\n" in text


@pytest.mark.parametrize("name", ["test_connection", "TestPlan", "setup_module", "pytest_configure", "pytestmark"])
def test_imported_name_is_never_one_that_pytest_collects(make: MakeCandidate, shop: Target, name: str) -> None:
    text = rendered([make(name, f"{name}(1)", "result == 2")], shop)
    imported = next(node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom))
    assert imported.names[0].name == name
    assert not (imported.names[0].asname or name).startswith(("test", "Test", "setup", "pytest"))


def test_renaming_respects_names_that_a_nested_scope_binds(make: MakeCandidate, shop: Target) -> None:
    kept = [
        make("round", "list(map(lambda round: round + 1, [round(1)]))", "result == [2]"),
        make("due", "due(round(1.5))", "result == 3"),
    ]
    assert "list(map(lambda round: round + 1, [pricing_round(1)]))" in rendered(kept, shop)


def test_what_is_not_used_is_not_imported(make: MakeCandidate, shop: Target) -> None:
    one = make(
        "is_even",
        "is_even(2)",
        "result is True",
        uses=("is_even", "slugify", Import("os")),
        fixtures=("tmp_path", "database"),
    )
    text = rendered([one], shop)
    assert "import os" not in text
    assert "slugify" not in text
    assert "def test_is_even(database):" in text  # a fixture of the project may work by being there


def test_pytest_is_imported_where_an_assertion_needs_it(make: MakeCandidate, shop: Target) -> None:
    assert "import pytest\n" in rendered([make("round", "round(0.1)", "result == pytest.approx(0.1)")], shop)


class TestTables:
    def test_what_is_equal_in_all_rows_stays_in_the_body(self, make: MakeCandidate, shop: Target) -> None:
        kept = [make("slugify", f"slugify({text!r}, '_')", f"result == {text!r}") for text in ("a", "b")]
        assert body(rendered(kept, shop)) == (
            '@pytest.mark.parametrize(\n    "text",\n    [\n        "a",\n        "b",\n    ],\n)\n'
            'def test_slugify(text):\n    assert slugify(text, "_") == text\n'
        )

    def test_equal_candidates_become_one(self, make: MakeCandidate, shop: Target) -> None:
        kept = [make("slugify", "slugify('a')", "result == 'a'") for _ in range(3)]
        suite = render_suite(kept, shop, Style())
        assert [test.candidates for test in suite.tests] == [tuple(one.id for one in kept)]
        assert suite.tests[0].rows == ()

    def test_true_and_one_are_not_the_same(self, make: MakeCandidate, shop: Target) -> None:
        kept = [make("is_even", f"is_even({value})", "result == 1") for value in ("1", "True", "1.0")]
        suite = render_suite(kept, shop, Style())
        assert [len(test.rows) for test in suite.tests] == [3]

    def test_different_fixtures_exceptions_and_shapes_are_told_apart(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("load", "load('a')", raises=("OSError", "x")),
            make("load", "load('b')", raises=("ValueError", "x")),
            make("load", "load('c')", "result == []"),
            make("load", "load('d', 'utf-8')", "result == []"),
            make("load", "load(tmp_path)", "result == []", fixtures=("tmp_path",)),
        ]
        suite = render_suite(kept, shop, Style())
        assert [test.rows for test in suite.tests] == [()] * 5
        assert len(set(names(suite))) == 5

    def test_variable_of_the_arrangement_becomes_the_parameter(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("render", "render(rows)", f"result == {text!r}", arrange=f"rows = {rows!r}")
            for rows, text in (([1], "1"), ([2, 3], "2 3"))
        ]
        assert "def test_render(rows, expected):\n    assert render(rows) == expected\n" in rendered(kept, shop)

    def test_value_that_the_test_changes_is_made_in_the_test(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("render", "render(rows)", f"rows == {after!r}", arrange=f"rows = {rows!r}")
            for rows, after in (([2, 1], [1, 2]), ([4, 3], [3, 4]))
        ]
        text = rendered(kept, shop)
        assert "parametrize" not in text
        assert "rows = [2, 1]" in text

    def test_rows_never_call_the_module_under_test(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("render", f"render([Item({name!r}, 1)])", f"result == {name!r}", uses=("render", "Item"))
            for name in ("pen", "ink")
        ]
        text = rendered(kept, shop)
        assert "assert render([Item(name, 1)]) == name" in text
        table = text[text.index("@pytest") : text.index("def test")]
        assert "Item" not in table

    def test_values_of_the_standard_library_may_stand_in_rows(self, make: MakeCandidate, shop: Target) -> None:
        decimal = Import("decimal", "Decimal")
        kept = [
            make("round", f"round(Decimal('{value}'))", f"result == Decimal('{value}0')", uses=("round", decimal))
            for value in ("1.5", "2.5")
        ]
        assert '(Decimal("1.5"), Decimal("1.50")),' in rendered(kept, shop)

    def test_inner_functions_are_left_alone(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("render", "render(rows())", f"result == '{size}'", arrange=f"def rows():\n    return [{size}]")
            for size in (1, 2)
        ]
        for index, one in enumerate(kept):
            kept[index] = replace(one, arrange=("\n".join(one.arrange),))
        assert "parametrize" not in rendered(kept, shop)

    def test_many_changing_values_are_no_table(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make(
                "render",
                f"render([f({a}), {a + 1}, {a + 2}])",
                f"result.a == {a + 3}",
                f"result.b == {a + 4}",
                f"result.c == {a + 5}",
                uses=("render", Import("shop.helper", "f")),
            )
            for a in (10, 20)
        ]
        assert "parametrize" not in rendered(kept, shop)

    def test_parameter_never_has_the_name_of_something_else(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("render", f"render(rows + [{number}])", f"result == '{number}'", arrange="rows = list(range(3))")
            for number in (1, 2)
        ]
        function = ast.parse(rendered(kept, shop)).body[-1]
        assert isinstance(function, ast.FunctionDef)
        parameters = {argument.arg for argument in function.args.args}
        assert len(parameters) == 2
        assert not parameters & {"rows", "render", "list", "range", "request"}

    def test_unreadable_values_get_an_id(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("slugify", f"slugify({text!r})", f"result == {slug!r}")
            for text, slug in (("a", "a"), ("first line\nsecond line", "first-line"), ("Tübingen", "tubingen"))
        ]
        text = rendered(kept, shop)
        table = text[text.index("@pytest") : text.index("def test")]
        assert table.count("pytest.param(") == table.count('id="first-line-second-line"') == 1
        assert '("Tübingen", "tubingen")' in table

    def test_failures_are_mapped_back_by_pytest_s_own_ids(self, make: MakeCandidate, shop: Target) -> None:
        values = ["a", "", "a b", "ü", b"\xff", 1, 1.5, True, None, [1], (1, 2), {"a": 1}, "x::[y]", "b"]
        kept = [make("render", f"render({value!r})", "result == 1") for value in values]
        suite = render_suite(kept, shop, Style())
        rows = [pytest.param(value) for value in values]
        ids = IdMaker(["rows"], rows, None, None, None, None).make_unique_parameterset_ids()
        found = [suite.candidates_of(f"tests/test_x.py::test_render[{row_id}]") for row_id in ids]
        assert found == [(one.id,) for one in kept]

    def test_row_that_cannot_be_told_stands_for_the_table(self, make: MakeCandidate, shop: Target) -> None:
        kept = [make("render", f"render({value!r})", "result == 1") for value in ("1", 1, "x")]
        suite = render_suite(kept, shop, Style())
        assert suite.candidates_of("t.py::test_render[1_0]") == tuple(one.id for one in kept)
        assert suite.candidates_of("t.py::test_render[x]") == (kept[2].id,)
        assert suite.candidates_of("t.py::test_other") == ()


class TestNames:
    def test_scenario_is_used(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("slugify", "slugify('A')", "result == 'a'", scenario="lowercase by default"),
            make("load", "load('')", raises=("ValueError", None), scenario="empty_path"),
            make("load", "load('x')", raises=("OSError", None), scenario="raises_os_error"),
        ]
        assert names(render_suite(kept, shop, Style())) == [
            "test_slugify_lowercase_by_default",
            "test_load_rejects_empty_path",
            "test_load_raises_os_error",
        ]

    def test_what_is_special_about_a_call_names_it(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("load", "load('a.txt')", "result[0] == 1"),
            make("load", "load('')", "result.empty"),
            make("load", "load(None)", "not result"),
            make("load", "load('b.txt', encoding='ascii')", "result[0] == 2"),
            make("load", "load('b.txt', encoding=None)", "result[0] == 2", "len(result) == 1"),
        ]
        assert names(render_suite(kept, shop, Style())) == [
            "test_load",
            "test_load_empty_path",
            "test_load_path_none",
            "test_load_encoding_ascii",
            "test_load_encoding_none",
        ]

    def test_argument_that_the_message_speaks_of_names_a_rejection(self, make: MakeCandidate, shop: Target) -> None:
        decimal = Import("decimal", "Decimal")
        kept = [
            make("Item", "Item('', Decimal('-2'))", raises=("ValueError", "price is negative"), uses=("Item", decimal)),
            make("Item", "Item('', 1, 0)", raises=("ValueError", "name and quantity must be given")),
            make("Item", "Item('pen', 1, quantity=7)", raises=("ValueError", "quantity must be even")),
            make("load", "load('x')", raises=("KeyError", "path")),
        ]
        assert names(render_suite(kept, shop, Style())) == [
            "test_item_rejects_negative_price",
            "test_item_rejects_zero_quantity",
            "test_item_rejects_invalid_quantity",
            "test_load_raises_key_error",
        ]

    def test_example_of_no_one_callable(self, make: MakeCandidate, shop: Target) -> None:
        one = make(
            "",
            "print(slugify('A'))",
            "result is None",
            "capsys.readouterr().out == 'a\\n'",
            uses=("slugify",),
            fixtures=("capsys",),
        )
        assert body(rendered([one], shop)) == (
            'def test_usage_example(capsys):\n    print(slugify("A"))\n    assert capsys.readouterr().out == "a\\n"\n'
        )

    def test_what_came_before_names_it(self, make: MakeCandidate, shop: Target) -> None:
        cart = "cart = Cart('Ann')"
        kept = [
            make("Cart.total", "cart.total()", "result == 0", arrange=cart),
            make("Cart.total", "cart.total()", "result == 1", arrange=f"{cart}\ncart.add('a')"),
            make("Cart.total", "cart.total()", "result == 2", arrange=f"{cart}\ncart.add('a')\ncart.add('b')"),
        ]
        assert names(render_suite(kept, shop, Style())) == [
            "test_cart_total",
            "test_cart_total_after_add",
            "test_cart_total_after_two_adds",
        ]

    def test_names_are_unique_whatever_comes(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make(
                "Cart.add",
                f"cart.add({'a' * length!r})",
                f"{'cart.size == 1 and ' * index}True",
                arrange="cart = Cart()",
            )
            for index, length in enumerate((60, 61, 62, 63, 64))
        ]
        suite = render_suite(kept, shop, Style())
        assert len(set(names(suite))) == len(suite.tests) == 5
        assert all(name.isidentifier() and name.startswith("test_cart_add") for name in names(suite))

    def test_names_are_free_in_the_existing_file(self, make: MakeCandidate, shop: Target) -> None:
        kept = [make("is_even", "is_even(2)", "result is True")]
        existing = "def test_is_even():\n    assert True\n"
        assert names(render_suite(kept, shop, Style(), existing=existing)) == ["test_is_even_n_2"]

    def test_what_the_object_is_made_of_names_it(self, make: MakeCandidate, shop: Target) -> None:
        kept = [
            make("Cart.total", "cart.total()", "result == 0", arrange="cart = Cart('Ann')"),
            make("Cart.total", "cart.total()", "result == 3", arrange="cart = Cart('Bob', [1, 2])"),
            make("Cart.total", "Cart('Cem').total()", "result.is_zero()"),
        ]
        assert names(render_suite(kept, shop, Style())) == [
            "test_cart_total_with_owner_ann",
            "test_cart_total_with_two_items",
            "test_cart_total",
        ]


NESTED = "[[item async for item in part] for part in parts()]"


def test_a_test_in_newer_syntax_than_the_project_s_costs_no_other(shop: Target, make: MakeCandidate) -> None:
    newer = replace(
        make("slugify", "asyncio.run(collect(slugify))", "result == [[1]]", uses=(Import("asyncio"), "slugify")),
        arrange=(f"async def collect(parts):\n    return {NESTED}",),
    )
    plain = make("is_even", "is_even(2)", "result is True")

    with pytest.raises(UnusableTests) as told:
        compose_test_file([newer, plain], shop, Style(), python_version="3.10.13")

    assert set(told.value.candidates) == {newer.id}
    assert NESTED in compose_test_file([newer, plain], shop, Style(), python_version="3.11.7").data.decode()
