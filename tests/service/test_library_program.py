"""The program in the README, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"

MODULE = '''
"""Which agent can do what."""


class CapabilityMatcher:
    """Matches what is asked for with what is offered."""

    def __init__(self, offers: dict[str, list[str]]) -> None:
        self.offers = offers

    def match(self, capability: str) -> list[str]:
        """Names of those who offer it, sorted."""
        if not capability:
            raise ValueError("a capability has a name")
        return sorted(name for name, offered in self.offers.items() if capability in offered)
'''


def program() -> str:
    (block,) = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert isinstance(block, str)
    return block


def run_program(workspace: Path, private: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program()],
        cwd=workspace,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(private),
            "LANG": "C.UTF-8",
            "TESTWRIGHT_CACHE_DIR": str(private / "cache"),
            "TESTWRIGHT_STATE_DIR": str(private / "state"),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    package = folder / "src" / "agent_orchestration"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "capability_matcher.py").write_text(MODULE)
    (folder / "pyproject.toml").write_text('[project]\nname = "orchestration"\nversion = "1"\n')
    return folder


def test_the_program_in_the_readme_writes_tests(workspace: Path, tmp_path: Path) -> None:
    ended = run_program(workspace, tmp_path)
    test_file = workspace / "tests" / "test_capability_matcher.py"
    assert ended.stdout == f"Tests generated: {test_file}\n"
    assert ended.stderr == ""
    assert "def test_capability_matcher_match" in test_file.read_text()


def test_the_program_in_the_readme_tells_why_it_failed(workspace: Path, tmp_path: Path) -> None:
    (workspace / "src" / "agent_orchestration" / "capability_matcher.py").unlink()
    ended = run_program(workspace, tmp_path)
    assert re.fullmatch(r"Generation failed: \S.*capability_matcher\.py.*\.\n", ended.stdout)
    assert ended.stderr == ""
