from __future__ import annotations

import copy
import json
import logging
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.errors import KeyringLocked, NoKeyringError
from memory_keyring import MemoryKeyring

from testwright.errors import KeyRefused, SettingsError
from testwright.models.keys import KEYRING_SERVICE, Secret, Variables, check_address, cleaned, find_key
from testwright.models.values import Provider

CANARY = "sk-or-v1-canary0123456789"
PROVIDER = Provider(name="openrouter", base_url="https://openrouter.ai/api/v1", key_variable="OPENROUTER_API_KEY")
LOCAL = Provider(name="ollama", base_url="http://localhost:11434/v1")


@dataclass
class Holder:
    key: Secret
    name: str = "holder"


@pytest.mark.parametrize(
    "shown",
    [
        repr, str, ascii, "{}".format, "{!r:>40}".format, "{:>40}".format,
        lambda secret: repr(Holder(secret)), lambda secret: repr([secret]), lambda secret: json.dumps(secret, default=str),
        lambda secret: repr(ValueError(secret)), lambda secret: repr(dir(secret)),
    ],
)  # fmt: skip
def test_a_secret_shows_itself_nowhere(shown: Callable[[Secret], str]) -> None:
    text = shown(Secret(CANARY))
    assert text
    assert CANARY not in text


def test_a_secret_is_in_no_log_and_no_traceback_with_its_variables(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = Secret(CANARY)
    logging.getLogger("x").debug("asks with %s and %r", secret, secret)
    with pytest.raises(ZeroDivisionError) as caught:
        _fails(secret)
    lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert "secret = Secret(" in "".join(lines)
    assert CANARY not in "".join(lines) + caplog.text


def _fails(secret: Secret) -> float:
    return len(secret.reveal()) / 0


@pytest.mark.parametrize("written", [pickle.dumps, json.dumps, copy.deepcopy])
def test_a_secret_is_not_written(written: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        written(Secret(CANARY))


def test_secrets_are_equal_by_their_text_and_to_secrets_only() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert Secret(CANARY) != CANARY
    assert hash(Secret(CANARY)) == hash(Secret(CANARY))
    assert {Secret("ä"), Secret("ä")} == {Secret("ä")}
    assert Secret("\udcff") != Secret(CANARY)
    assert Secret(CANARY).reveal() == CANARY


def test_an_environment_hides_its_values_and_is_as_it_was() -> None:
    variables = Variables({"A_KEY": CANARY, "B": "b"})
    assert CANARY not in repr(variables) + str(variables) + f"{variables}"
    assert (dict(variables), len(variables), variables.get("C")) == ({"A_KEY": CANARY, "B": "b"}, 2, None)


def test_keys_in_the_words_of_others_are_taken_out() -> None:
    keys = [Secret("sk-12345"), Secret("sk-123456"), Secret("")]
    assert cleaned("bad key sk-123456, also sk-12345!", keys) == "bad key …, also …!"


def test_a_placeholder_for_a_key_takes_no_words_out() -> None:
    assert cleaned("ollama has no x", [Secret("x"), Secret("ollama")]) == "ollama has no x"


@given(st.text(max_size=20), st.from_regex(r"[!-~]{8,12}", fullmatch=True), st.text(max_size=20))
def test_no_key_survives_cleaning(before: str, key: str, after: str) -> None:
    assert key not in cleaned(before + key + after, [Secret(key)])


# ------------------------------------------------------------------------------------------------ where they are found


def test_the_variable_of_the_provider_holds_its_key() -> None:
    assert find_key(PROVIDER, {"OPENROUTER_API_KEY": f"  {CANARY}\n"}) == Secret(CANARY)


def test_a_provider_without_a_variable_gets_no_key() -> None:
    assert find_key(LOCAL, {"OPENROUTER_API_KEY": CANARY}) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sk-or v1", "character 6 of it is a space"),
        ("sk-ör", "character 4"),
        ("sk\x00r", "character 3"),
        ("sk\nr", "character 3"),
        ("k" * 4097, "longer than 4096"),
    ],
)
def test_what_cannot_be_a_key_is_refused_without_showing_it(text: str, told: str) -> None:
    with pytest.raises(KeyRefused, match=told) as caught:
        find_key(PROVIDER, {"OPENROUTER_API_KEY": text})
    assert "OPENROUTER_API_KEY" in caught.value.message
    assert text not in str(caught.value)
    assert caught.value.next_step


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with MemoryKeyring.in_use() as ring:
        yield ring


def test_the_keyring_is_asked_when_the_variable_is_empty(ring: MemoryKeyring) -> None:
    notes: list[str] = []
    keyring.set_password(KEYRING_SERVICE, "openrouter", CANARY + "\n")
    assert find_key(PROVIDER, {"OPENROUTER_API_KEY": " "}, tell=notes.append) == Secret(CANARY)
    assert find_key(PROVIDER, {"OPENROUTER_API_KEY": "of-the-variable"}) == Secret("of-the-variable")
    assert find_key(replace(PROVIDER, name="other"), {}, tell=notes.append) is None
    assert notes == []


def test_a_key_of_the_keyring_is_checked_too(ring: MemoryKeyring) -> None:
    keyring.set_password(KEYRING_SERVICE, "openrouter", "two words")
    with pytest.raises(KeyRefused, match="The key of openrouter in the keyring cannot be one"):
        find_key(PROVIDER, {})


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (KeyringLocked(CANARY), "it is locked"),
        (RuntimeError(CANARY), "RuntimeError"),
        (NoKeyringError("no back end"), None),
    ],
)
def test_a_keyring_that_fails_is_a_note(ring: MemoryKeyring, failure: Exception, told: str | None) -> None:
    notes: list[str] = []
    ring.failure = failure
    assert find_key(PROVIDER, {}, tell=notes.append) is None
    assert notes == ([] if told is None else [f"The keyring could not be read ({told}), so no key was taken from it."])


def test_without_the_package_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert find_key(PROVIDER, {}, tell=notes.append) is None
    assert notes == []


def test_a_keyring_that_cannot_be_loaded_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    monkeypatch.setitem(sys.modules, "keyring.errors", None)
    assert find_key(PROVIDER, {}, tell=notes.append) is None
    assert notes == ["The keyring could not be read (ModuleNotFoundError), so no key was taken from it."]


ASKS = """
import ctypes.util
from testwright.models.keys import find_key
from testwright.models.values import Provider

ctypes.util.find_library = lambda name: print("looks for", name)
provider = Provider(name="openrouter", base_url="https://openrouter.ai/api/v1", key_variable="OPENROUTER_API_KEY")
print(find_key(provider, {}, tell=print))
import keyring
print(keyring.get_keyring().name)
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has those libraries")
def test_no_compiler_looks_for_the_libraries_of_macos() -> None:
    """The keyring's back end for macOS has one do it, in the folder for temporary files."""
    asked = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True, env={}, timeout=60)
    lines = asked.stdout.splitlines()
    assert lines[0] == "None"
    assert len(lines) == 2, "a back end was chosen, and nothing else was said"


def test_a_keyring_that_hangs_is_not_waited_for(ring: MemoryKeyring) -> None:
    notes: list[str] = []
    ring.hangs = threading.Event()
    try:
        assert find_key(PROVIDER, {}, tell=notes.append, seconds=0.01) is None
    finally:
        ring.hangs.set()
    assert notes == ["The keyring did not answer within 0.01 seconds, so it was not waited for."]


def test_no_keyring_is_loaded_where_a_variable_has_the_key(ring: MemoryKeyring) -> None:
    ring.failure = AssertionError("asked")
    notes: list[str] = []
    find_key(PROVIDER, {"OPENROUTER_API_KEY": CANARY}, tell=notes.append)
    find_key(LOCAL, {}, tell=notes.append)
    assert notes == []


# ------------------------------------------------------------------------------------------------ where they are sent


@pytest.mark.parametrize(
    "base_url", ["https://openrouter.ai/api/v1", "http://localhost:1/v1", "http://127.0.0.9/v1", "http://[::1]:8/v1"]
)
def test_a_key_goes_over_https_or_stays_on_this_machine(base_url: str) -> None:
    assert check_address(replace(PROVIDER, base_url=base_url), Secret(CANARY)).url == base_url


@pytest.mark.parametrize(
    "base_url", ["http://openrouter.ai/api/v1", "http://10.0.0.5:8000", "http://localhost.example.org"]
)
def test_a_key_does_not_travel_in_the_open(base_url: str) -> None:
    provider = replace(PROVIDER, base_url=base_url)
    with pytest.raises(KeyRefused, match="over http everyone on the way can read it") as caught:
        check_address(provider, Secret(CANARY))
    assert CANARY not in str(caught.value)
    assert "OPENROUTER_API_KEY" in caught.value.next_step
    assert check_address(provider, None).scheme == "http"


@pytest.mark.parametrize("key", [None, Secret(CANARY)])
@pytest.mark.parametrize("base_url", ["https://user:hunter2@example.org", "ftp://example.org", "https://exämple.org"])
def test_an_address_that_is_none_is_refused_with_and_without_a_key(base_url: str, key: Secret | None) -> None:
    with pytest.raises(SettingsError, match="The address of the provider openrouter") as caught:
        check_address(replace(PROVIDER, base_url=base_url), key)
    assert "hunter2" not in str(caught.value)
