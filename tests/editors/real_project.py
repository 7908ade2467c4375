"""A project whose module none of us wrote, and plain pytest in bubblewrap to tell whether tests of it pass."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox import Finished, Mounts, run_boxed

OWN_TEST = """from mdurl._encode import encode


def test_my_own():
    assert encode("a b") == "a%20b"  # ñ 🐍 é"""
"""A test that the project's people wrote; the file has no line end at its end."""


@dataclass(frozen=True, slots=True)
class RealProject:
    """The package mdurl in a project of its own, without any tests.

    Attributes:
        root: Its root.
    """

    root: Path

    @classmethod
    def make(cls, root: Path) -> RealProject:
        """Lay it out in a folder that does not exist yet."""
        spec = importlib.util.find_spec("mdurl")
        assert spec is not None
        assert spec.origin is not None
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(spec.origin).parent, root / "src" / "mdurl", ignore=ignored)
        (root / "pyproject.toml").write_text('[project]\nname = "mdurl"\nversion = "0.1.2"\n', encoding="utf-8")
        # eglot takes the root of a repository for the root of a project.
        subprocess.run(["git", "init", "--quiet", str(root)], check=True, timeout=20)  # noqa: S607 - whichever is there
        return cls(root)

    @property
    def module(self) -> Path:
        """A module of two functions, ``get_encode_cache`` and ``encode``."""
        return self.root / "src" / "mdurl" / "_encode.py"

    @property
    def large_module(self) -> Path:
        """A module whose search takes seconds."""
        return self.root / "src" / "mdurl" / "_parse.py"

    def test_file_of(self, module: Path) -> Path:
        """Where the tests of a module belong."""
        return self.root / "tests" / f"test_{module.stem.strip('_')}.py"

    def files(self) -> set[str]:
        """All files, as paths from the root."""
        paths = {path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file()}
        return {path.as_posix() for path in paths if path.parts[0] != ".git"}

    def run_pytest(self, test_file: Path) -> Finished:
        """Run a test file by plain pytest, as the project's people would, in bubblewrap."""
        interpreters = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.prefix).resolve()}
        return run_boxed(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test_file)],
            Mounts(read_only=(*sorted(interpreters), self.root)),
            environment={"PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=self.root,
            timeout=60,
        )


def names_of_tests(text: str) -> list[str]:
    """Names of the test functions in a file's text."""
    return re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE)


def keeps_all_lines(before: str, after: str) -> bool:
    """Whether a text still holds all lines of an earlier one, in their order."""
    lines = iter(after.splitlines())
    return all(line in lines for line in before.splitlines())


def assert_passes(project: RealProject, test_file: Path, *, at_least: int) -> None:
    """Assert that a file on disk holds tests and that all of them pass."""
    ended = project.run_pytest(test_file)
    assert ended.code == 0, ended.output
    passed = re.search(r"(\d+) passed", ended.output)
    assert passed is not None, ended.output
    assert int(passed[1]) >= at_least, ended.output
    assert "failed" not in ended.output
