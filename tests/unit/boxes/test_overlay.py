"""The overlay is made once for its versions, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from testwright.boxes.overlay import make_overlay
from testwright.errors import BoxFailure


def test_it_is_made_once_and_whole(tmp_path: Path) -> None:
    overlay = make_overlay(tmp_path)
    (overlay / "marker").touch()

    assert {"pytest", "coverage", "pluggy", "iniconfig"} <= {path.name for path in overlay.iterdir()}
    assert make_overlay(tmp_path) == overlay
    assert (overlay / "marker").exists()
    assert list(overlay.parent.iterdir()) == [overlay]


def test_nothing_is_left_of_one_that_nobody_wants_any_more(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(BoxFailure, match="nobody wants it any more"):
        make_overlay(tmp_path, stop)

    assert list((tmp_path / "overlay").iterdir()) == []
