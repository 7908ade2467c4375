from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from testwright.errors import RegistryError, SettingsError
from testwright.models.problems import MAX_TOLD
from testwright.models.registry import load_registry
from testwright.models.registry_file import ModelFields, ProviderFields, parse_registry, read_registry_file

FILE = Path("/home/me/models.yaml")
GOOD = """\
version: 1
providers:
  mine:
    base_url: http://127.0.0.1:9000/v1/
    key_variable: MY_KEY
    free_requests_per_minute: 3
models:
  - name: big model
    provider: mine
    cost_per_1m_input: 1
    cost_per_1m_output: 2.5
    priority: 7
    status: active
    context_window: 8192
    max_output: null
    tools: true
    known_issues: [slow, "says: no"]
    last_checked: 2026-06-30
"""


def error(text: str) -> str:
    with pytest.raises(RegistryError) as caught:
        parse_registry(FILE, text)
    assert caught.value.next_step == "Correct the file; docs/registry.md tells what may stand in it."
    return caught.value.message


def test_what_is_given_is_read_and_nothing_is_added() -> None:
    file = parse_registry(FILE, GOOD)
    assert file.providers == {
        "mine": {"base_url": "http://127.0.0.1:9000/v1", "key_variable": "MY_KEY", "free_requests_per_minute": 3}
    }
    assert file.models == (
        {
            "name": "big model",
            "provider": "mine",
            "cost_per_1m_input": 1.0,
            "cost_per_1m_output": 2.5,
            "priority": 7,
            "status": "active",
            "context_window": 8192,
            "max_output": None,
            "tools": True,
            "known_issues": ["slow", "says: no"],
            "last_checked": "2026-06-30",
        },
    )
    assert (file.line_of_model(0), file.line_of_model(0, "priority"), file.line_of_provider("mine", "base_url")) == (8, 12, 4)  # fmt: skip


def test_both_lists_may_be_left_out() -> None:
    file = parse_registry(FILE, "version: 1\n")
    assert (file.providers, file.models) == ({}, ())


def entry(field: str) -> str:
    return f"version: 1\nmodels:\n  - name: m\n    {field}\n"


def provider(field: str) -> str:
    return f"version: 1\nproviders:\n  p:\n    {field}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is empty, and must be a mapping with version, providers and models"),
        ("# nothing\n", "line 1: the file is empty, and must be a mapping with version, providers and models"),
        ("- name: m\n", "line 1: the file is a list, and must be a mapping with version, providers and models"),
        ("models\n", "line 1: the file is 'models', and must be a mapping with version, providers and models"),
        ("models: []\n", "line 1: version is missing, and must be 1, the one version of the format that this Testwright knows"),
        ("models: []\nversion: 2\n", "line 2: version is 2, and must be 1, the one version of the format that this Testwright knows"),
        ("version: true\n", "line 1: version is true, and must be 1, the one version of the format that this Testwright knows"),
        ("version: '1'\n", "line 1: version is '1', and must be 1, the one version of the format that this Testwright knows"),
        ("version: 1\nmodel: []\n", "line 2: model is no field of a registry; did you mean models?"),
        ("version: 1\nwhatever: []\n", "line 2: whatever is no field of a registry; known: version, providers, models"),
        ("version: 1\nmodels:\n", "line 2: models is empty, and must be a list of models, each beginning with `- name:`"),
        ("version: 1\nmodels: {m: 1}\n", "line 2: models is a mapping, and must be a list of models, each beginning with `- name:`"),
        ("version: 1\nproviders: [p]\n", "line 2: providers is a list, and must be a mapping of names to providers"),
        ("version: 1\nmodels:\n  - name: m\n  - m\n", "line 4: model 2 is 'm', and must be a mapping of fields"),
        ("version: 1\nmodels:\n  - priority: 1\n", "line 3: model 1 has no name, which every entry needs"),
        ("version: 1\nproviders:\n  Big One:\n    base_url: http://a\n", "line 3: 'Big One' is no name of a provider: small letters, digits, dots, hyphens"),
        ("version: 1\nproviders:\n  p: http://a\n", "line 3: the provider p is 'http://a', and must be a mapping of fields"),
        (entry("prioritty: 1"), "line 4: prioritty of m is no field of a registry; did you mean priority?"),
        (entry("cost_per_1m_inptu: 1"), "line 4: cost_per_1m_inptu of m is no field of a registry; did you mean cost_per_1m_input?"),
        (provider("base_ulr: http://a"), "line 4: base_ulr of the provider p is no field of a registry; did you mean base_url?"),
        (provider("api_key: sk-or-secret"), "line 4: api_key of the provider p is no field of a registry; a key never stands in one"),
        (provider("token: sk-or-secret"), "line 4: token of the provider p is no field of a registry; a key never stands in one"),
        (provider("key_variable: sk-or-v1-0123"), "line 4: key_variable of the provider p has a value that is not allowed, and must be the name of an environment variable, never a key itself"),
        (provider("base_url: openrouter.ai/api/v1"), "line 4: base_url of the provider p does not begin with http:// or https://, and must be an address like https://openrouter.ai/api/v1"),
        (provider("base_url: ftp://a/v1"), "line 4: base_url of the provider p does not begin with http:// or https://, and must be an address like https://openrouter.ai/api/v1"),
        (provider("base_url: https://me:secret@a/v1"), "line 4: base_url of the provider p has a name or a password before its host, and must be an address like https://openrouter.ai/api/v1"),
        (provider("base_url: https://a/v1?key=secret"), "line 4: base_url of the provider p has a question mark or a number sign, and must be an address like https://openrouter.ai/api/v1"),
        (provider("base_url: 5"), "line 4: base_url of the provider p has a value that is not allowed, and must be an address like https://openrouter.ai/api/v1"),
        (provider("free_requests_per_day: 0"), "line 4: free_requests_per_day of the provider p is 0, and must be a whole number, 1 or more"),
        (provider("speaks_openrouter: yes"), "line 4: speaks_openrouter of the provider p is 'yes', and must be true or false"),
        (entry("cost_per_1m_input: -1"), "line 4: cost_per_1m_input of m is -1, and must be US dollars per million tokens, from 0 to 100000"),
        (entry("cost_per_1m_output: .nan"), "line 4: cost_per_1m_output of m is nan, and must be US dollars per million tokens, from 0 to 100000"),
        (entry("cost_per_1m_output: .inf"), "line 4: cost_per_1m_output of m is inf, and must be US dollars per million tokens, from 0 to 100000"),
        (entry("cost_per_1m_output: free"), "line 4: cost_per_1m_output of m is 'free', and must be US dollars per million tokens, from 0 to 100000"),
        (entry("cost_per_1m_output: true"), "line 4: cost_per_1m_output of m is true, and must be US dollars per million tokens, from 0 to 100000"),
        (entry("cost_per_1m_output:"), "line 4: cost_per_1m_output of m is empty, and must be US dollars per million tokens, from 0 to 100000"),
        (entry("priority: 1.5"), "line 4: priority of m is 1.5, and must be a whole number from 0 to 1000000"),
        (entry("priority: -1"), "line 4: priority of m is -1, and must be a whole number from 0 to 1000000"),
        (entry("status: fine"), "line 4: status of m is 'fine', and must be one of active, untested, rate_limited, incompatible, gone"),
        (entry("context_window: 0"), "line 4: context_window of m is 0, and must be a whole number of tokens, 1 or more"),
        (entry("max_output: 8k"), "line 4: max_output of m is '8k', and must be a whole number of tokens, 1 or more"),
        (entry("tools: 1"), "line 4: tools of m is 1, and must be true or false"),
        (entry("free: {}"), "line 4: free of m is a mapping, and must be true or false"),
        (entry("known_issues: slow"), "line 4: known_issues of m is 'slow', and must be a list of sentences, each in one line"),
        (entry("known_issues:\n      - slow\n      - 5"), "line 6: known_issues of m is 5, and must be a list of sentences, each in one line"),
        (entry("last_checked: 2026-02-30"), "line 4: last_checked of m is '2026-02-30', and must be a day like 2026-06-30"),
        (entry("last_checked: yesterday"), "line 4: last_checked of m is 'yesterday', and must be a day like 2026-06-30"),
        (entry("provider: Open Router"), "line 4: provider of m is 'Open Router', and must be the name of a provider: small letters, digits, dots, hyphens"),
        (entry(f"notes: {'x' * 2000}"), f"line 4: notes of m is '{'x' * 56}..., and must be a sentence in one line, of at most 1000 characters"),
        ("version: 1\nmodels:\n  - name: ''\n", "line 3: name of model 1 is '', and must be a text in one line, of at most 200 characters"),
        ('version: 1\nmodels:\n  - name: "a\\nb"\n', "line 3: name of model 1 is 'a\\nb', and must be a text in one line, of at most 200 characters"),
        ('version: 1\nmodels:\n  - name: " a"\n', "line 3: name of model 1 is ' a', and must be a text in one line, of at most 200 characters"),
        ("version: 1\nmodels:\n  - name: m\n  - name: n\n  - name: m\n", "line 5: name is 'm', which the entry on line 3 is called already"),
        ("version: 1\nversion: 1\n", "line 2: version is given a second time; the first is on line 1"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_field(text: str, said: str) -> None:
    assert error(text) == f"The registry of models {FILE} has an error in {said}."


def test_a_key_that_stands_in_the_file_is_in_no_message() -> None:
    text = "version: 1\nproviders:\n  p:\n"
    fields = ("api_key", "key", "key_variable", "base_url", "token")
    text += "".join(f"    {field}: https://x:SECRET@h/\n" for field in fields)
    assert "SECRET" not in error(text)


def test_all_errors_are_told_in_the_order_of_their_lines() -> None:
    text = "version: 1\nmodels:\n  - name: m\n    priority: x\n    tools: x\n  - nam: n\n  - name: m\n"
    assert error(text) == (
        f"The registry of models {FILE} has 5 errors: "
        "line 4: priority of m is 'x', and must be a whole number from 0 to 1000000; "
        "line 5: tools of m is 'x', and must be true or false; "
        "line 6: model 2 has no name, which every entry needs; "
        "line 6: nam of model 2 is no field of a registry; did you mean name?; "
        "line 7: name is 'm', which the entry on line 3 is called already."
    )


def test_ten_are_told_and_the_rest_is_counted() -> None:
    text = "version: 1\nmodels:\n" + "".join(f"  - name: m{number}\n    tools: x\n" for number in range(12))
    message = error(text)
    assert "has 12 errors: " in message
    assert message.count("tools of") == MAX_TOLD
    assert message.endswith("; and 2 more.")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"version: 1\n# caf\xe9\n", "models.yaml is not UTF-8 (line 2)."),
        (b"#" * (1024 * 1024 + 1), "is larger than 1024 KiB, which no settings file should be."),
        (None, "does not exist."),
    ],
)
def test_what_cannot_be_read_is_told_as_a_registry(tmp_path: Path, data: bytes | None, said: str) -> None:
    path = tmp_path / "models.yaml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RegistryError) as caught:
        read_registry_file(path)
    assert caught.value.message.endswith(said)
    assert caught.value.next_step
    assert (caught.value.slug, caught.value.exit_code) == ("registry", SettingsError.exit_code)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)], ids=["folder", "pipe", "loop"])  # fmt: skip
def test_what_is_no_file_is_not_read(tmp_path: Path, make: object) -> None:
    path = tmp_path / "models.yaml"
    make(path)  # type: ignore[operator]
    with pytest.raises(RegistryError, match=r"models\.yaml is not a regular file|models\.yaml cannot be read"):
        read_registry_file(path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_registry_file(path).models[0]["name"] == "big model"


PAGE = Path(__file__).parents[3] / "docs" / "registry.md"


def test_the_page_tells_every_field() -> None:
    fields = (*ModelFields.__annotations__, *ProviderFields.__annotations__)
    assert [field for field in fields if f"| `{field}` |" not in PAGE.read_text("utf-8")] == []


def test_the_pages_examples_are_registries(tmp_path: Path) -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(examples) == 2
    for example in examples:
        path = tmp_path / "models.yaml"
        path.write_text(example, "utf-8")
        assert load_registry(user_file=path).models[0].origin == "user"
