"""What the service says reads right where there is no command line."""

from __future__ import annotations

import pytest

from testwright.lsp.wire.wording import in_editor_words


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Give it more time with --budget.", "Give it more time with the setting testwright.budget."),
        ("Lower --coverage-threshold.", "Lower the setting testwright.coverageThreshold."),
        ("pass variables with --pass-env.", "pass variables with the setting testwright.passEnv."),
        ("Name another file with --output.", "Name another file with `testwright generate --output`."),
        ("give --dry-run for the diff", "give `testwright generate --dry-run` for the diff"),
        ("Run `testwright generate x.py --json`.", "Run `testwright generate x.py --json`."),
        ("a -- b, --- and x--y", "a -- b, --- and x--y"),
    ],
)
def test_options_become_settings(said: str, read: str) -> None:
    assert in_editor_words(said) == read
