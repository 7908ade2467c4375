"""A warning is shown once while what it says holds."""

from __future__ import annotations

from testwright.lsp.client.warnings import Warnings


def test_each_is_shown_once_while_it_holds() -> None:
    shown: list[str] = []
    warnings = Warnings(shown.append)

    warnings.hold("a", ["one", "two", "one"])
    warnings.hold("a", ["two", "one"])
    warnings.hold("b", ["one"])
    assert shown == ["one", "two"]

    warnings.hold("a", [])
    warnings.hold("a", ["one", "two"])
    assert shown == ["one", "two", "two"]  # "one" held of b all the time

    warnings.hold("b", [])
    warnings.hold("a", [])
    warnings.hold("b", ["one"])
    assert shown == ["one", "two", "two", "one"]
