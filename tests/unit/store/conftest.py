from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state folder, which is not there yet."""
    return tmp_path / "state"
