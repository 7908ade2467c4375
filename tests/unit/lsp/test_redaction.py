"""Values of variables whose names are those of keys are never told."""

from __future__ import annotations

import json

import pytest

from testwright.lsp.wire.redaction import Redaction

VALUE = "abcdefgh1234"


@pytest.mark.parametrize(
    "name",
    [
        "OPENROUTER_API_KEY", "APIKEY", "my_api_key", "GITHUB_TOKEN", "TOKEN", "CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID", "PGPASSWORD", "DB_PASSWORD", "DB_PASSWD", "KEY", "SERVICE_CREDENTIALS", "NPM_AUTH_TOKEN_2",
    ],
)  # fmt: skip
def test_names_of_keys(name: str) -> None:
    assert Redaction({name: VALUE}).hide(f"a {VALUE} b{VALUE}") == "a *** b***"


@pytest.mark.parametrize("name", ["PATH", "KEYBOARD", "MONKEY", "TOKENIZERS_PARALLELISM", "LANG", "HOME"])
def test_names_of_others(name: str) -> None:
    assert Redaction({name: VALUE}).hide(VALUE) == VALUE


def test_what_is_too_short_is_no_key() -> None:
    assert Redaction({"API_KEY": "true"}).hide("is it true") == "is it true"
    assert Redaction({"API_KEY": "1234567"}).hide("1234567") == "1234567"
    assert Redaction({"API_KEY": "12345678"}).hide("12345678") == "***"


def test_space_around_a_value_is_no_part_of_it() -> None:
    assert Redaction({"API_KEY": f" {VALUE}\n"}).hide(f"x{VALUE}x") == "x***x"


def test_one_value_within_another() -> None:
    redaction = Redaction({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefghijkl"})
    assert redaction.hide("abcdefghijkl abcdefgh") == "*** ***"


@pytest.mark.parametrize(
    "value", ['quo"ted-value', "back\\slashed", "größe-größe", "new\nline-value", "tab\tbed-value"]
)
def test_a_value_within_json(value: str) -> None:
    redaction = Redaction({"API_KEY": value})
    for ascii_only in (True, False):
        text = json.dumps({"a": value}, ensure_ascii=ascii_only)
        assert redaction.hide(text) == '{"a": "***"}'


def test_characters_with_a_meaning_in_patterns() -> None:
    assert Redaction({"API_KEY": "a.c+(e)[g]"}).hide("a.c+(e)[g] abc+(e)[g]") == "*** abc+(e)[g]"


def test_nothing_to_hide() -> None:
    assert Redaction({}).hide("all of it") == "all of it"


def test_in_all_texts_of_a_value() -> None:
    value = {"a": [f"x{VALUE}", 1, None, True, {VALUE: {"b": VALUE}}], "c": 1.5}
    expected = {"a": ["x***", 1, None, True, {"***": {"b": "***"}}], "c": 1.5}
    assert Redaction({"API_KEY": VALUE}).hide_in(value) == expected
