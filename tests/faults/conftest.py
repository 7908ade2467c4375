"""The command line as a user starts it, on a workspace of the test's own, with what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BUDGET = 30
SLACK = 10
"""Seconds beyond the budget within which the command must have ended, whatever the module does."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished command."""

    code: int
    report: dict[str, Any]
    stdout: str
    stderr: str
    seconds: float


@dataclass(slots=True)
class Bench:
    """A workspace, and the command line over it."""

    workspace: Path
    private: Path
    environment: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def start(
        self, *arguments: str, command: str = "generate", prefix: Sequence[str] = (), budget: int = BUDGET
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                *prefix,
                sys.executable,
                "-m",
                "testwright.cli",
                command,
                *arguments,
                "--budget",
                str(budget),
                "--json",
            ],
            cwd=self.workspace,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def wait_for(self, process: subprocess.Popen[str], phase: str) -> None:
        """Wait until a run that was started with ``--events`` begins a phase."""
        assert process.stderr is not None
        for line in process.stderr:
            if f'"phase":"{phase}"' in line:
                return
        pytest.fail(f"the run ended before {phase}")

    def finish(self, process: subprocess.Popen[str], *, budget: int = BUDGET) -> Ended:
        begun = time.monotonic()
        try:
            stdout, stderr = process.communicate(timeout=budget + SLACK)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            pytest.fail(f"still running {SLACK} s after its budget of {budget} s\n{stdout}\n{stderr}")
        seconds = time.monotonic() - begun
        assert "Traceback" not in stderr, stderr
        assert "Traceback" not in stdout, stdout
        report = json.loads(stdout) if stdout.strip() else {}
        return Ended(process.returncode, report, stdout, stderr, seconds)

    def generate(self, *arguments: str, prefix: Sequence[str] = (), budget: int = BUDGET) -> Ended:
        return self.finish(self.start(*arguments, prefix=prefix, budget=budget), budget=budget)

    def judge(self, *arguments: str, prefix: Sequence[str] = (), budget: int = BUDGET) -> Ended:
        return self.finish(self.start(*arguments, command="judge", prefix=prefix, budget=budget), budget=budget)

    def told(self, *words: str) -> Any:
        """What another command prints as JSON, whatever its exit code."""
        ended = subprocess.run(
            [sys.executable, "-m", "testwright.cli", *words, "--json"],
            cwd=self.workspace,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=BUDGET + SLACK,
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return json.loads(ended.stdout)

    def digests(self) -> dict[str, str]:
        """Every file of the workspace with its content and mode, so that a change of any is seen."""
        found = {}
        for path in sorted(self.workspace.rglob("*")):
            name = str(path.relative_to(self.workspace))
            if path.is_symlink():
                found[name] = f"link to {path.readlink()}"
            elif path.is_dir():
                found[name] = "folder"
            else:
                found[name] = f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        return found

    def left_behind(self) -> list[str]:
        """Command lines of processes that still know this test's private folder."""
        marker = str(self.private).encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                variables = (entry / "environ").read_bytes()
            except OSError:
                continue
            if marker in command or marker in variables:
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
        return found

    def scratch(self) -> list[str]:
        """What is left in the folder for temporary files."""
        return sorted(path.name for path in (self.private / "tmp").iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    workspace = tmp_path / "workspace"
    private = tmp_path / "private"
    for folder in (workspace, private / "tmp", private / "home"):
        folder.mkdir(parents=True)
    (workspace / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(private / "home"),
        "TMPDIR": str(private / "tmp"),
        "LANG": "C.UTF-8",
        "TESTWRIGHT_CACHE_DIR": str(private / "cache"),
        "TESTWRIGHT_STATE_DIR": str(private / "state"),
    }
    made = Bench(workspace, private, environment)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
    deadline = time.monotonic() + 3
    while made.left_behind() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert made.left_behind() == []
    assert made.scratch() == []


Check = Callable[[Ended], None]
