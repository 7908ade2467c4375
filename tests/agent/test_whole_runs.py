"""The whole job from the command line, with the real SDK in a real box, on modules that none of us wrote.

The model on loopback plays an agent: it guesses, runs pytest, reads in the output what is wrong, and mends that.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from agent_site import differences
from box_contents import Inspector, containers, processes_of
from real_agents import lend_agents
from sandbox import Mounts, run_boxed
from scripted_agent import Worker, reply_of
from scripted_provider import Reply
from served_provider import served_provider

MODEL = "scripted-coder"
CANARY = "canary-of-the-key-5f1c0b7e"

pytestmark = pytest.mark.agent


@dataclass(frozen=True, slots=True)
class Subject:
    """A module of a package on PyPI, and what the agent believes of it; most of that is wrong.

    Attributes:
        package: Is copied whole.
        module: Path of the module in it.
        imports: First lines of the agent's file.
        guesses: Expressions and their values.
        true: What stands in the file when it has learned.
    """

    package: str
    module: str
    imports: str
    guesses: Mapping[str, str]
    true: str


ENCODE = Subject(
    "mdurl",
    "_encode.py",
    "from mdurl._encode import encode",
    {"encode('a b')": "'a b'", "encode('%41%')": "'%41%'", "encode('\\ud800')": "''"},
    "a%20b",
)
DECODE = Subject(
    "mdurl",
    "_decode.py",
    "from mdurl._decode import decode",
    {
        "decode('%F0%9F%98%80')": "'?'",
        "decode('%E2%82%AC')": "'EUR'",
        "decode('%F5%80%80%80')": "''",
        "decode('%C3%A4')": "'a'",
    },
    "€",
)
UTILS = Subject(
    "packaging",
    "utils.py",
    "from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename",
    {
        "canonicalize_name('A_._b')": "'a'",
        "parse_sdist_filename('foo-1.0.zip')[0]": "'bar'",
        "parse_wheel_filename('foo-1.0-7-py3-none-any.whl')[2]": "()",
        "parse_wheel_filename('foo-1.0.whl')": "None",
    },
    "a-b",
)


@dataclass(slots=True)
class Project:
    """A copy of a package in a project of its own, and the command line over it."""

    subject: Subject
    root: Path
    private: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def made(cls, subject: Subject, folder: Path) -> Project:
        """Lay it out."""
        spec = importlib.util.find_spec(subject.package)
        assert spec is not None
        assert spec.origin is not None
        root, private = folder / "work é", folder / "private"
        for path in sorted(Path(spec.origin).parent.rglob("*.py")):
            target = root / "src" / subject.package / path.relative_to(Path(spec.origin).parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        (root / "pyproject.toml").write_text(f'[project]\nname = "{subject.package}"\nversion = "1"\n', "utf-8")
        (root / "tests").mkdir()
        (root / "tests" / "conftest.py").write_text("", "utf-8")
        for name in ("tmp", "home", "state"):
            (private / name).mkdir(parents=True)
        named = {name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(private / "home"),
            "TMPDIR": str(private / "tmp"),
            "LANG": "C.UTF-8",
            "TESTWRIGHT_CACHE_DIR": str(private / "cache"),
            "TESTWRIGHT_STATE_DIR": str(private / "state"),
            "TESTWRIGHT_PREFERRED_MODEL": MODEL,
            **named,
        }
        return cls(subject, root, private, environment)

    @property
    def module(self) -> Path:
        return self.root / "src" / self.subject.package / self.subject.module

    @property
    def test_path(self) -> str:
        """Where its tests belong."""
        return f"tests/test_{Path(self.subject.module).stem.strip('_')}.py"

    def worker(self) -> Worker:
        """A model that tests it."""
        return Worker(self.test_path, imports=self.subject.imports, guesses=self.subject.guesses)

    def generate(self, reply: Reply, *options: str, inspector: Inspector | None = None) -> Ended:
        """Do the whole job."""
        with served_provider() as server:
            server.always(MODEL, reply)
            environment = {**self.environment, "TESTWRIGHT_MODEL_BASE_URL": server.base_url}
            process = subprocess.Popen(
                [sys.executable, "-m", "testwright.cli", "generate", str(self.module), "--json", "--events", *options],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self.started.append(process)
            if inspector is not None:
                inspector.owner = process.pid
            stdout, stderr = process.communicate(timeout=300)
            asked = [request for request in server.requests if request.body]
        assert "Traceback" not in stderr, stderr
        events = [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
        bodies = [request.body for request in asked]
        keys = {request.headers.get("authorization", "") for request in asked}
        return Ended(json.loads(stdout), events, stdout + stderr, bodies, keys)

    def files(self) -> dict[str, str]:
        """Everything in the workspace with content and mode."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            content = path.read_bytes().hex() if path.is_file() else ""
            found[path.relative_to(self.root).as_posix()] = f"{path.stat().st_mode:o} {content}"
        return found

    def measured(self) -> dict[str, Any]:
        """What coverage.py says of the file on disk, outside of all that is ours; all of its tests pass."""
        data = self.private / "measured"
        data.mkdir()
        data.chmod(0o777)
        interpreters = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.prefix).resolve()}
        mounts = Mounts(read_only=(*sorted(interpreters), self.root), writable={data: Path("/tmp/measured")})
        python = f"{sys.executable} -m coverage"
        script = (
            f"{python} run --branch --data-file=/tmp/measured/d --include='{self.module}' -m pytest -q "
            f"-p no:cacheprovider {self.test_path} && {python} json --data-file=/tmp/measured/d -o /tmp/measured/out"
        )
        environment = {"PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        ended = run_boxed(["/bin/sh", "-c", script], mounts, environment=environment, cwd=self.root, timeout=120)
        assert ended.code == 0, ended.output
        (figures,) = json.loads((data / "out").read_text("utf-8"))["files"].values()
        return dict(figures["summary"])


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of it."""

    report: dict[str, Any]
    events: list[dict[str, Any]]
    output: str
    bodies: list[dict[str, Any]]
    keys: set[str]


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project; when the test has ended, no container and no process of it is left."""
    made = Project.made(request.param, tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.wait()
        assert containers(process.pid) == []
    assert processes_of(made.private) == []
    assert list((made.private / "tmp").iterdir()) == []


CASES = [
    pytest.param(ENCODE, "openhands", "docker", "pinned", marks=pytest.mark.docker),
    pytest.param(DECODE, "auto", "docker", "newest", marks=pytest.mark.docker),
    pytest.param(UTILS, "openhands", "docker", "newest", marks=pytest.mark.docker),
    pytest.param(DECODE, "auto", "bubblewrap", "pinned"),
    pytest.param(UTILS, "openhands", "bubblewrap", "newest"),
]


@pytest.mark.parametrize(("project", "engine", "box", "sdk"), CASES, indirect=["project"])
def test_the_whole_job(project: Project, engine: str, box: str, sdk: str) -> None:
    prepare(project, box, sdk)
    worker, before = project.worker(), project.files()
    options = ("--engine", engine, "--agent-box", box, "--agent-sdk", sdk, "--max-iterations", "1", "--budget", "30")
    ended = project.generate(reply_of(worker), *options)
    report = ended.report
    assert report["status"] == "written", ended.output[-4000:]
    engines = report["tests"]["by_engine"]
    assert engines.keys() == ({"embedded", "openhands"} if engine == "auto" else {"openhands"}), report["notes"]
    assert engines["openhands"] >= 1
    # It was wrong at first, has seen so, and what is written is what it has learned.
    assert len(ended.bodies) == len(worker.bodies) >= 5
    assert any(re.search(r"\b\d+ failed", str(body["messages"][-1])) for body in ended.bodies)
    assert project.subject.true in (project.root / project.test_path).read_text("utf-8")
    assert differences(before, project.files()) == {project.test_path}
    steps = [event["message"] for event in ended.events if event.get("phase") == "agent"]
    assert any("pytest" in step for step in steps), steps
    after, measured = report["coverage"]["after"], project.measured()
    assert after["percent"] == pytest.approx(measured["percent_covered"], abs=0.06), (after, measured)


def prepare(project: Project, box: str, sdk: str) -> None:
    """Let the run find the agent; in Docker it finds the image by itself."""
    if box == "bubblewrap":
        lend_agents(Path(project.environment["TESTWRIGHT_CACHE_DIR"]), sdk)
    elif "DOCKER_HOST" not in os.environ:
        pytest.skip("DOCKER_HOST names no engine: run .ci/install-images")


@pytest.mark.parametrize(
    ("project", "box"),
    [pytest.param(ENCODE, "docker", marks=pytest.mark.docker), pytest.param(ENCODE, "bubblewrap")],
    indirect=["project"],
)
def test_the_key_is_nowhere_but_in_what_is_sent_to_the_model(project: Project, box: str) -> None:
    """Looked at while the agent's commands run: whatever else is there by then has been there before, or comes alike."""
    prepare(project, box, "pinned")
    project.environment["TESTWRIGHT_MODEL_KEY"] = CANARY
    inspector = Inspector(CANARY.encode())
    played = reply_of(project.worker())

    def reply(request: Any) -> Any:
        inspector.look()
        return played(request)

    before = project.files()
    options = ("--engine", "openhands", "--agent-box", box, "--agent-sdk", "pinned", "--max-iterations", "1")
    ended = project.generate(reply, *options, "--record", str(project.private / "tape"), inspector=inspector)
    assert ended.report["status"] == "written", ended.output[-4000:]
    assert ended.keys == {f"Bearer {CANARY}"}
    assert inspector.boxes == inspector.looks >= 5
    assert inspector.found == []
    assert CANARY not in ended.output
    assert CANARY not in json.dumps(ended.bodies)
    kept = [path for path in project.private.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.suffix == ".sqlite3" for path in kept)
    holding = [path for path in kept if CANARY.encode() in path.read_bytes()]
    assert holding == []
    assert all(CANARY.encode().hex() not in content for content in project.files().values())
    assert differences(before, project.files()) == {project.test_path}
