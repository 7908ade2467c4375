"""An error of our own leaves a file that a person can send, and not more than a few of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testwright.lsp.work import crashes
from testwright.lsp.work.crashes import write_crash


def crash(words: str) -> Exception:
    with pytest.raises(RuntimeError) as caught:
        break_down(words)
    return caught.value


def break_down(words: str) -> None:
    raise RuntimeError(words)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_file_says_what_and_where(state: Path) -> None:
    path = write_crash("generate-1", crash("the engine fell off"))

    assert path is not None
    assert path.parent == state / "crashes"
    text = path.read_text(encoding="utf-8")
    assert "RuntimeError: the engine fell off" in text
    assert "in break_down" in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_holds_no_key(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "canary-0123456789")
    path = write_crash("generate-1", crash("refused: canary-0123456789"))

    assert path is not None
    assert "canary" not in path.read_text(encoding="utf-8")


def test_those_of_long_ago_go(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashes, "KEPT", 2)
    paths = []
    for number in range(4):
        path = write_crash("generate-1", crash("x"))
        assert path is not None
        os.utime(path, (number, number))
        paths.append(path)

    assert [path.exists() for path in paths] == [False, False, True, True]


def test_a_folder_that_cannot_be_ours_is_no_second_error(state: Path, caplog: pytest.LogCaptureFixture) -> None:
    state.mkdir()
    (state / "of-somebody-else").touch()

    assert write_crash("generate-1", crash("x")) is None
    assert "cannot be written" in caplog.text
