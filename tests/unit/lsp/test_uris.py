"""Addresses as editors write them, and paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.lsp.texts.uris import path_of, uri_of


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/me/cart.py", "/home/me/cart.py"),
        ("file://localhost/home/me/cart.py", "/home/me/cart.py"),
        ("FILE:///home/me/cart.py", "/home/me/cart.py"),
        ("file:///gr%C3%B6%C3%9Fe.py", "/größe.py"),
        ("file:///größe.py", "/größe.py"),
        ("file:///a%20b;c%23d%3Fe.py", "/a b;c#d?e.py"),
        ("file:///a;b/c.py", "/a;b/c.py"),
        ("file:///%FF.py", os.fsdecode(b"/\xff.py")),
    ],
)
def test_the_path_of_an_address(uri: str, path: str) -> None:
    assert path_of(uri) == Path(path)


@pytest.mark.parametrize(
    "uri",
    ["", "x", "untitled:Untitled-1", "http://here/x.py", "file:", "file:///%00", "file:///a\ud800", "http://[", "file://["],
)  # fmt: skip
def test_what_is_the_address_of_no_file(uri: str) -> None:
    assert path_of(uri) is None


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_there_and_back(name: bytes) -> None:
    path = Path("/folder") / os.fsdecode(name)
    assert path_of(uri_of(path)) == path


@given(st.text(max_size=30))
def test_whatever_is_written_gives_a_path_that_can_be_looked_at_or_none(text: str) -> None:
    for uri in (text, f"file://{text}", f"file:///{text}"):
        path = path_of(uri)
        assert path is None or os.fsencode(path).startswith(b"/")
