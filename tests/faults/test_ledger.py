"""Consent and what is known of models: whatever is wrong with the file, nothing is sent that nobody agreed to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from testwright.housekeeping import ASIDE, LEDGER
from testwright.store.ledger import Ledger


@pytest.fixture
def state(bench: Any) -> Path:
    bench.environment["OPENROUTER_API_KEY"] = "sk-or-v1-canary0123456789"
    return Path(bench.environment["TESTWRIGHT_STATE_DIR"])


def run(bench: Any, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "testwright.cli", *arguments],
        cwd=bench.workspace,
        env=bench.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def is_agreed(bench: Any) -> bool:
    done = run(bench, "consent", "--json")
    agreed: bool = json.loads(done.stdout)["given"] is not None
    assert done.returncode == (0 if agreed else 1)
    return agreed


def told(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("damage", ["garbage", "another version", "half a file"])
def test_after_damage_consent_is_asked_for_again_and_that_is_told(bench: Any, state: Path, damage: str) -> None:
    assert run(bench, "consent", "--give").returncode == 0
    assert is_agreed(bench)
    file = state / LEDGER
    data = file.read_bytes()
    if damage == "garbage":
        file.write_bytes(os.urandom(len(data)))
    elif damage == "another version":
        file.write_bytes(data[:60] + b"\0\0\0\x63" + data[64:])  # user_version, in the file's header
    else:
        file.write_bytes(data[: len(data) // 2])
    done = run(bench, "consent")
    assert done.returncode == 1
    assert "Nobody has agreed" in told(done.stdout)
    assert f"so it was set aside as {file}{ASIDE} and is begun anew." in told(done.stdout + done.stderr)
    assert run(bench, "consent", "--give").returncode == 0
    assert is_agreed(bench)


def test_a_file_that_can_neither_be_used_nor_set_aside_is_told(bench: Any, state: Path) -> None:
    (state / LEDGER).mkdir(parents=True)
    (state / (LEDGER + ASIDE) / "file").mkdir(parents=True)
    for arguments in (["consent"], ["consent", "--give"], ["consent", "--list"], ["models", "stats"]):
        done = run(bench, *arguments)
        assert done.returncode == 3
        assert f"testwright: What is known of models and their accounts, {state / LEDGER}, could not be" in done.stderr
        assert "TESTWRIGHT_STATE_DIR" in done.stderr


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="only prlimit bounds the size of files")
def test_on_a_full_disk_nobody_has_agreed(bench: Any, state: Path) -> None:
    with Ledger.open(state):
        pass
    done = run(bench, "consent", "--give", prefix=["prlimit", "--fsize=4096"])
    assert done.returncode == 3
    assert "could not be read or written: " in done.stderr
    assert not is_agreed(bench)


def test_commands_at_once_lose_nothing(bench: Any, state: Path) -> None:
    folders = [bench.workspace / f"project{number}" for number in range(6)]
    for folder in folders:
        folder.mkdir()
        (folder / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n')
    with ThreadPoolExecutor(3) as threads:
        ended = list(threads.map(lambda folder: run(bench, "consent", "--give", str(folder)), folders))
    assert [(done.returncode, done.stderr) for done in ended] == [(0, "")] * len(folders)
    with Ledger.open(state) as ledger:
        assert [consent.workspace for consent in ledger.consents()] == folders
        assert ledger.notes == ()


def test_consent_that_is_withdrawn_stays_withdrawn_after_a_crash(bench: Any, state: Path) -> None:
    assert run(bench, "consent", "--give").returncode == 0
    crash = (
        "import os, sys\nfrom pathlib import Path\nfrom testwright.store.ledger import Ledger\n"
        "ledger = Ledger.open(Path(sys.argv[1]))\nledger.withdraw_consent(Path(sys.argv[2]))\nos._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", crash, str(state), str(bench.workspace)], check=False)
    assert done.returncode == 9
    assert not is_agreed(bench)
