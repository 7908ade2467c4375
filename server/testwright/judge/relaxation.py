"""Ways to call pytest when it refuses the project's own settings: each leaves out more, and says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What is left out of the project's pytest settings.

    Attributes:
        arguments: Further arguments for pytest.
        environment: Further variables.
        note: A sentence for the user, empty when nothing is left out.
    """

    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    note: str = ""


_NO_PLUGINS = (("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"),)

RELAXATIONS = (
    Relaxation(),
    Relaxation(
        ("-o", "addopts="),
        (),
        "pytest refused the addopts of the project's settings, so they were left out.",
    ),
    Relaxation(
        ("-o", "addopts="),
        _NO_PLUGINS,
        "pytest did not start with the project's addopts or its installed plugins, so both were left out.",
    ),
    Relaxation(
        ("-c", "/dev/null", "--rootdir=.", "--noconftest"),
        _NO_PLUGINS,
        "pytest did not start with the project's settings or its conftest.py, so both were left out: "
        "fixtures and filters of the project did not apply.",
    ),
)
"""In the order in which they are tried."""
