from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.settings.addresses import read_address


@pytest.mark.parametrize(
    ("text", "url", "host", "port", "destination"),
    [
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1", "openrouter.ai", 443, "openrouter.ai"),
        ("https://Example.org:8443/v1//", "https://Example.org:8443/v1", "example.org", 8443, "example.org:8443"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1", "localhost", 11434, "localhost:11434"),
        ("http://[::1]:8080", "http://[::1]:8080", "::1", 8080, "[::1]:8080"),
        ("http://gpu_box.lan", "http://gpu_box.lan", "gpu_box.lan", 80, "gpu_box.lan"),
        ("http://10.0.0.7:8000/v1", "http://10.0.0.7:8000/v1", "10.0.0.7", 8000, "10.0.0.7:8000"),
    ],
)
def test_parts_of_an_address(text: str, url: str, host: str, port: int, destination: str) -> None:
    address = read_address(text)
    assert (address.url, address.host, address.port, address.destination) == (url, host, port, destination)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.255.0.9", "[::1]", "[0:0:0:0:0:0:0:1]"])
def test_this_machine(host: str) -> None:
    assert read_address(f"http://{host}:1/v1").is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "1.127.0.0", "[::]", "[::2]", "128.0.0.1",
        "localhost.", "notlocalhost", "[fe80::1]",
    ],
)  # fmt: skip
def test_other_machines(host: str) -> None:
    assert not read_address(f"http://{host}/v1").is_loopback


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("https://" + "a" * 2048, "is longer than 2048"),
        ("openrouter.ai/api/v1", "does not begin with"),
        ("ftp://example.org", "does not begin with"),
        ("file:///etc/passwd", "does not begin with"),
        ("javascript:alert(1)", "does not begin with"),
        ("https://user:pass@example.org", "has a name or a password"),
        ("https://localhost@example.org", "has a name or a password"),
        ("http://127.0.0.1\\@example.org", "a backslash"),
        ("https://exa mple.org", "white space"),
        ("https://example.org/\n", "white space"),
        ("https://ex\N{CYRILLIC SMALL LETTER A}mple.org", "not ASCII"),
        ("https://example.org/v1?key=1", "a question mark"),
        ("https://example.org/v1#x", "a number sign"),
        ("https://", "has no host"),
        ("https:///v1", "has no host"),
        ("https://:443", "has no host"),
        ("https://example.org:", "port"),
        ("https://example.org:0", "port"),
        ("https://example.org:65536", "port"),
        ("https://example.org:x", "port"),
        ("https://[::1", "cannot be read"),
        ("https://[::1%25eth0]", "cannot be read"),
        ("http://2130706433", "host that cannot be read"),
        ("http://0x7f000001", "host that cannot be read"),
        ("http://127.1", "host that cannot be read"),
        ("http://0177.0.0.1", "host that cannot be read"),
        ("http://-a.org", "host that cannot be read"),
        ("http://a..org", "host that cannot be read"),
        ("http://%6cocalhost", "host that cannot be read"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_address(text)


@given(st.text(max_size=60).map(lambda text: "http://" + text) | st.text(max_size=60))
def test_any_text_is_an_address_or_an_error_in_words(text: str) -> None:
    try:
        address = read_address(text)
    except ValueError as error:
        words = str(error)
    else:
        words = "is read"
        assert urlsplit(address.url).hostname == address.host
        assert read_address(address.url) == address
    assert words.startswith(("is ", "has ", "does "))
