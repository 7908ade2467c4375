"""The agent's ``python`` and ``pytest``: started for real, with an overlay and a project that shadows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from testwright.inside.agent.commands import NAMES, write_commands


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    root, overlay, commands = tmp_path / "ro ot", tmp_path / "over'lay", tmp_path / "commands"
    root.mkdir()
    overlay.mkdir()
    (root / "shop.py").write_text("NAME = 'shop'\n", "utf-8")
    (overlay / "lent.py").write_text("WHERE = 'overlay'\n", "utf-8")
    (overlay / "shop.py").write_text("NAME = 'wrong'\n", "utf-8")
    return root, overlay, commands


def run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, cwd=cwd, check=False)


def test_the_projects_own_come_first_and_the_overlay_last(folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    root, overlay, commands = folders
    programs = write_commands(commands, sys.executable, [root], overlay)
    code = "import sys, shop, lent; print(shop.NAME, lent.WHERE, sys.path[-1])"
    done = run(programs / "python", "-c", code, cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"shop overlay {overlay}\n", "")


def test_a_sitecustomize_of_the_project_still_runs(folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    root, overlay, commands = folders
    (root / "sitecustomize.py").write_text("import sys\nsys.projects_own = True\n", "utf-8")
    programs = write_commands(commands, sys.executable, [root], overlay)
    done = run(programs / "python3", "-c", "import sys, lent; print(sys.projects_own)", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_pytest_runs_by_both_of_its_names(folders: tuple[Path, Path, Path]) -> None:
    root, _, commands = folders
    (root / "test_shop.py").write_text("import shop\n\n\ndef test_it():\n    assert shop.NAME == 'shop'\n", "utf-8")
    programs = write_commands(commands, sys.executable, [root], None)
    for name in ("pytest", "py.test"):
        done = run(programs / name, "-q", "-p", "no:cacheprovider", "test_shop.py", cwd=root)
        assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    assert not (root / "__pycache__").exists()
    assert sorted(path.name for path in programs.iterdir()) == sorted(NAMES)
