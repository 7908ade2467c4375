"""Formatting with ruff, and breaking of long texts."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.errors import WriteFailure
from testwright.model import Style
from testwright.writing import format as formatting
from testwright.writing.format import break_long_texts, format_source

SOURCE = "import pytest\nfrom shop import a\nimport os\ndef test_a():\n    assert a('x', \"y\") == os.sep\n"


def test_imports_are_sorted_with_the_module_under_test_last() -> None:
    text = format_source(SOURCE, Style(), first_party="shop")
    assert text.startswith("import os\n\nimport pytest\n\nfrom shop import a\n\n\n")


def test_imports_stay_where_they_are_when_not_asked() -> None:
    text = format_source(SOURCE, Style(), first_party="shop", sort_imports=False)
    assert text.startswith("import pytest\nfrom shop import a\nimport os\n")


@pytest.mark.parametrize(
    ("quote", "line"),
    [("double", 'a("x", "y")'), ("single", "a('x', 'y')"), ("preserve", "a('x', \"y\")")],
)
def test_quotes(quote: str, line: str) -> None:
    style = Style(quote=quote)  # type: ignore[arg-type]
    assert f"assert {line} == os.sep\n" in format_source(SOURCE, style, first_party="shop")


def test_tabs_and_indent() -> None:
    assert "\n\tassert a" in format_source(SOURCE, Style(), first_party="shop", indent_style="tab")
    assert "\n  assert a" in format_source(SOURCE, Style(indent=2), first_party="shop")


@pytest.mark.parametrize("length", [0, 1, 100_000])
def test_line_length_that_ruff_would_refuse(length: int) -> None:
    assert "assert" in format_source(SOURCE, Style(line_length=length), first_party="shop")


def test_settings_of_no_project_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 20\n[format]\nquote-style = 'single'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUFF_CONFIG", str(tmp_path / "ruff.toml"))
    assert 'a("x", "y")' in format_source(SOURCE, Style(), first_party="shop")


def test_missing_formatter_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def find() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("ruff.find_ruff_bin", find)
    formatting._binary.cache_clear()
    with pytest.raises(WriteFailure, match="ruff is not installed") as caught:
        format_source(SOURCE, Style(), first_party="shop")
    assert "pip install" in caught.value.next_step


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("#!/bin/sh\necho 'no such option' >&2\nexit 2\n", "did not format the tests: no such option"),
        ("#!/bin/sh\nexit 3\n", "did not format the tests: exit code 3"),
        ("#!/no/such/shell\n", "could not be run"),
    ],
)
def test_failing_formatter_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str) -> None:
    program = tmp_path / "ruff"
    program.write_text(body)
    program.chmod(0o755)
    monkeypatch.setattr(formatting, "_binary", lambda: program)
    with pytest.raises(WriteFailure, match=reason):
        format_source(SOURCE, Style(), first_party="shop")


def test_hanging_formatter_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ruff"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(formatting, "_binary", lambda: program)
    monkeypatch.setattr(formatting, "_TIME_LIMIT", 0.2)
    with pytest.raises(WriteFailure, match="timed out"):
        format_source(SOURCE, Style(), first_party="shop")


def test_source_that_is_no_python_is_said() -> None:
    with pytest.raises(WriteFailure, match="did not format the tests"):
        format_source("def f(:\n", Style(), first_party="shop")


def test_formatter_gets_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    run = subprocess.run

    def spy(*arguments: object, **options: object) -> object:
        seen.append(options["env"])
        return run(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", spy)
    format_source(SOURCE, Style(), first_party="shop")
    assert seen == [{}, {}]


def test_long_text_is_broken_at_its_newlines() -> None:
    lines = ["first line of some length", "second line of some length", "third line of some length", "the last"]
    literal = "\\n".join(lines)
    text = format_source(f"def test_a():\n    assert f() == '{literal}'\n", Style(), first_party="shop")
    pieces = "\n".join(f'        "{line}\\n"' for line in lines[:-1])
    assert text == f'def test_a():\n    assert f() == (\n{pieces}\n        "the last"\n    )\n'


def test_long_text_without_newlines_is_broken_between_words() -> None:
    text = format_source(f"x = '{'word ' * 40}'\n", Style(), first_party="shop")
    assert max(map(len, text.splitlines())) <= 88
    assert ast.literal_eval(text.removeprefix("x = ")) == "word " * 40


@pytest.mark.parametrize(
    "literal",
    [
        "r'{}'",
        "f'{} {{x}}'",
        '"""{}"""',
        "rb'{}'",
        "u'{}'",
        "'{}'.join(a)",
        "b'{}'",
        "d['{}']",
        "f(a='{}')",
        "f'{{d[\"{}\"]}}'",
    ],
)
def test_meaning_never_changes(literal: str) -> None:
    source = f"x = {literal.format('a long text of words ' * 8)}\n"
    assert ast.dump(ast.parse(break_long_texts(source, 40))) == ast.dump(ast.parse(source))


@given(st.text(max_size=200), st.integers(10, 100))
def test_any_text_keeps_its_value(value: str, line_length: int) -> None:
    source = f"x = {value!r}\ny = {value.encode('utf-8', 'surrogatepass')!r}\n"
    broken = break_long_texts(source, line_length)
    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(source))
